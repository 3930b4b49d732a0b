// One request after another on the running system: its state, its times without load, and what nginx's cache saves.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'node:http';
import { checkHealth } from '../../stack/health.ts';
import { services } from '../../stack/services.ts';
import { milliseconds, timesOf } from '../statistics.ts';
import { originsOf, type Section } from './section.ts';

const warmUp = 20;
const oneByOne = 200;
const hits = 100;
const requestTimeoutMs = 30_000;

interface TimedAnswer {
  milliseconds: number;
  status: number;
  cache: string;
}

/** Resolves once the whole answer has come. Rejects where none comes within half a minute. */
const timeRequest = (url: string, agent: Agent, headers: Record<string, string> = {}): Promise<TimedAnswer> =>
  new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const outgoing = request(url, { agent, headers, timeout: requestTimeoutMs }, (response) => {
      response.resume();
      response.on('end', () =>
        resolve({
          milliseconds: performance.now() - startedAt,
          status: response.statusCode ?? 0,
          cache: String(response.headers['x-cache-status']),
        }),
      );
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${url}: no answer in time`)));
    outgoing.on('error', reject);
    outgoing.end();
  });

export const serviceStatus: Section = {
  title: 'Service status',
  async run({ settings, output }) {
    const measured = [...services.map((service) => service.name), 'nginx'];
    const checks = (await checkHealth(settings, 'up')).filter(({ name }) => measured.includes(name));
    for (const { name, state } of checks) output.result(`${`${name}:`.padEnd(18)} ${state}`);
    return checks.filter(({ state }) => state === 'DOWN').length;
  },
};

export const responseTimes: Section = {
  title: 'Response times, one request after another',
  async run({ settings, output }) {
    const { nginx, gateway, userService, orderService, paymentService } = originsOf(settings);
    const targets = {
      'User health': userService,
      'Order health': orderService,
      'Payment health': paymentService,
      Gateway: gateway,
      Nginx: nginx,
    };
    let failures = 0;
    for (const [name, origin] of Object.entries(targets)) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const answers: TimedAnswer[] = [];
      for (let i = -warmUp; i < oneByOne; i++) {
        const answer = await timeRequest(`${origin}/health`, agent);
        if (i >= 0) answers.push(answer);
      }
      agent.destroy();
      const failed = answers.filter(({ status }) => status !== 200).length;
      const { p50, p99 } = timesOf(answers.map((answer) => answer.milliseconds));
      failures += failed;
      const times = `${milliseconds(p50)} median, ${milliseconds(p99)} at 99 %`;
      output.result(`${`${name}:`.padEnd(18)} ${times}${failed > 0 ? `, ${failed} FAILED` : ''}`);
    }
    return failures;
  },
};

/** A query that nobody has asked before, and the same again. */
export const cache: Section = {
  title: "nginx's cache",
  async run({ settings, output }) {
    const query = `{ q${randomUUID().replaceAll('-', '')}: __typename }`;
    const url = `${originsOf(settings).nginx}/graphql?query=${encodeURIComponent(query)}`;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (): Promise<TimedAnswer> => timeRequest(url, agent, { accept: 'application/json' });
    const first = await ask();
    const next: TimedAnswer[] = [];
    for (let i = 0; i < hits; i++) next.push(await ask());
    agent.destroy();
    const median = timesOf(next.map((answer) => answer.milliseconds)).p50;
    output.result(`First request (cache ${first.cache}): ${milliseconds(first.milliseconds)}`);
    output.result(`Next ${hits} (cache ${next.at(-1)?.cache}):      ${milliseconds(median)} median`);
    output.result(`Faster by:                 ${(first.milliseconds / median).toFixed(1)} times`);
    const isCached = first.cache === 'MISS' && next.every((answer) => answer.cache === 'HIT');
    if (!isCached) output.error('FAILED: the first request was to be a miss, and the next ones hits');
    return isCached ? 0 : 1;
  },
};
