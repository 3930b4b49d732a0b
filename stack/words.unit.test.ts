import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { repository } from './paths.ts';

/** Words of a language of our own that was once spoken here, and the field's own ones: docs/glossary.md. */
const plainWords: [old: RegExp, plain: string][] = [
  [/\bfigures?\b|[a-z]Figures/i, 'metrics, or what was measured'],
  [/\blog-ins?\b|[lL]ogIn/, 'login'],
  [/\b(un)?told\b|\btells? of\b|\btelling\b/i, 'describes, reports, notifies'],
  [/\bhears?\b|\bheard\b|\bheeds?\b|\bheeded\b/i, 'consumes, receives, learns of, supports'],
  [/\bfor ever\b/i, 'indefinitely'],
  [/\banew\b/i, 'again'],
  [/\bin vain\b/i, 'without success, failed'],
  [/\bpatience\b|_PATIENCE/i, 'timeout'],
  [/\bcomplain\b|Surroundings|\bsurroundings\b/, 'stderr, io'],
  [/\bnoteCause\b|\bCauseVerdict\b/, 'markProcessed, InboxVerdict'],
  [/\bcarryOutOnce\b|\bheldKey\b|\bHeldKey\b/, 'withIdempotency, LeasedKey'],
  [/\bPastEvents\b|\bforgetOld\b|\bcrowdedOut\b/, 'EventRetention, purgeExpired, evicted'],
  [/\bdoubtTopology\b|\baskSomething\b|\bpublishNothing\b/, 'invalidateTopology, pingConsumer, pingPublisher'],
  [/\btellRateLimit\b|\bisNews\b|\bPushes\b/, 'setRateLimitHeaders, hasChanged, SubscriptionStream'],
  [/\bjudge[sd]?\b|\bjudging\b|\bfates?\b|\bstory\b|\bstories\b/i, 'check invariants, outcome, scenario'],
  [/\bvital\b|\bHURRY\b/, 'required, ASYNC_COMMIT'],
  [/\bChargeService\b|OrderAccount/, 'ChargeReconciler, PaymentAggregate'],
  [/\bway in\b|\bwhat all share\b/i, 'entry point, shared code'],
];

const madeFolders = new Set(['.git', '.native', 'node_modules', 'dist', 'generated', 'coverage', 'migrations']);
/** Made by others, or the past, which stays as it was. */
const exempt = new Set(['package-lock.json', 'LICENSE', 'CHANGELOG.md', '.env', path.basename(import.meta.filename)]);

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(repository, folder), { withFileTypes: true })
    .filter(({ name }) => !madeFolders.has(name) && !exempt.has(name) && !/\.(log|tsbuildinfo)$/.test(name))
    .flatMap((entry) => {
      const name = path.posix.join(folder, entry.name);
      return entry.isDirectory() ? filesBelow(name) : [name];
    });
}

const oldWordsIn = (text: string): string[] =>
  plainWords.flatMap(([old, plain]) => {
    const found = old.exec(text);
    return found ? [`${found[0]} -> ${plain}`] : [];
  });

describe('plain words', () => {
  it('code, logs, tests and documents -> the field’s own terms, in names of files too', () => {
    const faults = filesBelow('.').flatMap((name) =>
      [name, ...readFileSync(path.join(repository, name), 'utf8').split('\n')].flatMap((line, number) =>
        oldWordsIn(line).map((fault) => `${name}:${number}: ${fault}`),
      ),
    );
    expect(faults).toEqual([]);
  });

  it.each([
    'the figures',
    'await logIn()',
    'it hears of it',
    'told once',
    'started anew',
    'CHARGE_PATIENCE',
    'new Pushes()',
  ])('%s -> refused, with the word in its place', (text) => {
    expect(oldWordsIn(text)).toEqual([expect.stringMatching(/ -> \w/)]);
  });

  it.each(['an order history', 'the heartbeat', 'configure', 'log in', 'tell me'])('%s -> allowed', (text) => {
    expect(oldWordsIn(text)).toEqual([]);
  });
});
