import { describe, expect, it } from '@jest/globals';
import { judgementOf, type EntryKind, type Judgement, type OurEntry, type TheirEntry } from './ledger.js';
import { findingLine, summary } from './report.js';

const startedAt = new Date('2026-01-31T12:00:00Z');
const before = (seconds: number) => new Date(startedAt.getTime() - seconds * 1_000);
const times = { startedAt, openSince: before(15), unknownSince: before(600) };

const ours = (status: OurEntry['status'], changes: Partial<OurEntry> = {}): OurEntry => ({
  amount: 4_498n,
  currency: 'USD',
  currencyDecimals: 2,
  orderId: 'o1',
  paymentId: 'p1',
  status,
  transactionId: 'tx_1',
  updatedAt: before(60),
  ...changes,
});
const theirs = (changes: Partial<TheirEntry> = {}): TheirEntry => ({
  amount: 4_498n,
  currency: 'USD',
  verdict: { outcome: 'succeeded', transactionId: 'tx_1' },
  ...changes,
});
const declined = theirs({ verdict: { outcome: 'declined', reason: 'no' } });

describe('the two ledgers say of the same', () => {
  it.each<[Judgement, EntryKind, string, OurEntry | undefined, TheirEntry | undefined]>([
    ['same', 'charge', 'paid, charged', ours('success'), theirs()],
    ['same', 'charge', 'refunded later, charged', ours('refunded'), theirs()],
    ['same', 'charge', 'failed, declined', ours('failed'), declined],
    ['same', 'charge', 'cancelled, nothing', ours('cancelled'), undefined],
    ['same', 'charge', 'nothing, declined', undefined, declined],
    ['same', 'refund', 'succeeded, refunded', ours('succeeded'), theirs()],
    ['same', 'refund', 'failed, declined', ours('failed'), declined],
    ['missing here', 'charge', 'nothing, charged', undefined, theirs()],
    ['missing here', 'refund', 'nothing, refunded', undefined, theirs()],
    ['missing there', 'charge', 'paid, nothing', ours('success'), undefined],
    ['missing there', 'refund', 'succeeded, nothing', ours('succeeded'), undefined],
    ['open', 'charge', 'paid after their ledger was read', ours('success', { updatedAt: startedAt }), undefined],
    ['status', 'charge', 'failed, charged', ours('failed'), theirs()],
    ['status', 'charge', 'cancelled, charged', ours('cancelled'), theirs()],
    ['status', 'charge', 'pending, charged', ours('pending'), theirs()],
    ['status', 'charge', 'paid, declined', ours('success'), declined],
    ['status', 'refund', 'failed, refunded', ours('failed'), theirs()],
    ['open', 'charge', 'being processed, nothing', ours('processing'), undefined],
    ['open', 'charge', 'being processed, charged just now', ours('processing', { updatedAt: before(5) }), theirs()],
    ['status', 'charge', 'being processed for long, charged', ours('processing'), theirs()],
    [
      'status',
      'charge',
      'being processed for too long, nothing',
      ours('processing', { updatedAt: before(601) }),
      undefined,
    ],
    ['open', 'refund', 'pending, refunded just now', ours('pending', { updatedAt: before(5) }), theirs()],
    ['status', 'refund', 'pending for long, refunded', ours('pending'), theirs()],
    ['open', 'refund', 'pending, nothing', ours('pending'), undefined],
    ['status', 'refund', 'pending for too long, nothing', ours('pending', { updatedAt: before(601) }), undefined],
    ['amount', 'charge', 'another amount', ours('success'), theirs({ amount: 4_499n })],
    ['amount', 'charge', 'being processed, another amount charged', ours('processing'), theirs({ amount: 4_499n })],
    ['amount', 'refund', 'failed, another amount refunded', ours('failed'), theirs({ amount: 4_499n })],
    ['currency', 'charge', 'another currency', ours('success'), theirs({ currency: 'EUR' })],
    ['transaction', 'charge', 'another transaction', ours('success', { transactionId: 'tx_2' }), theirs()],
  ])('%s: %s %s', (judgement, kind, _what, our, their) => {
    expect(judgementOf({ kind, key: 'key', ours: our, theirs: their }, times)).toBe(judgement);
  });

  it('a difference -> one line, and a summary that counts', () => {
    const pair = { kind: 'charge', key: '0199a0c0-0000-7000-8000-000000000000' } as const;
    const lines = [
      findingLine({ ...pair, difference: 'missing there', ours: ours('success'), theirs: undefined }),
      findingLine({
        ...pair,
        difference: 'status',
        ours: ours('failed'),
        theirs: theirs({ amount: 500n, currency: 'JPY' }),
      }),
      findingLine({ ...pair, difference: 'transaction', ours: ours('success'), theirs: declined }),
    ];
    expect(lines.map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
      'missing there | charge | 0199a0c0-0000-7000-8000-000000000000 | 44.98 USD success | -',
      'status | charge | 0199a0c0-0000-7000-8000-000000000000 | 44.98 USD failed | 500 JPY succeeded (tx_1)',
      'transaction | charge | 0199a0c0-0000-7000-8000-000000000000 | 44.98 USD success (tx_1) | 44.98 USD declined (no)',
    ]);
    expect(summary({ compared: { charge: 1, refund: 20 }, differences: 0, open: 3 })).toBe(
      '1 charge and 20 refunds compared: no difference, 3 still being settled',
    );
    expect(summary({ compared: { charge: 2, refund: 1 }, differences: 1, open: 0 })).toBe(
      '2 charges and 1 refund compared: 1 difference',
    );
  });
});
