import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseEnv } from 'node:util';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startEdge, type Answer, type Edge } from './test/edge.ts';

const example = parseEnv(readFileSync(path.join(import.meta.dirname, '../.env.example'), 'utf8'));

let edge: Edge;
const agents: Agent[] = [];

beforeAll(async () => {
  edge = await startEdge({ rateLimit: Number(example.NGINX_RATE_LIMIT) });
});
afterAll(async () => {
  for (const agent of agents) agent.destroy();
  await edge.stop();
});

/** Sends many requests over 50 connections, from an address of their own. */
const flood = async (url: string, count: number, from: string): Promise<Answer[]> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  agents.push(agent);
  return Promise.all(Array.from({ length: count }, () => edge.ask(url, { agent, from })));
};

describe('one client', () => {
  it.each(['/', '/api/v1/users'])('500 requests for %s, 50 at a time -> all are served', async (url) => {
    const answers = await flood(url, 500, url === '/' ? '127.0.0.2' : '127.0.0.3');
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('many more than its share -> 429 in JSON with Retry-After; health and webhooks not, and others neither', async () => {
    const from = '127.0.0.4';
    const answers = await flood('/graphql', 1_300, from);
    const refused = answers.filter(({ status }) => status === 429);
    // 1,001 at once, and what a minute's share gives back meanwhile.
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(1_001);
    expect(refused.length).toBeGreaterThan(100);
    expect(refused[0]!.headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '1' });
    expect(JSON.parse(refused[0]!.text).error).toEqual({ code: 'RATE_LIMITED', message: 'Too many requests' });

    const exempt = [
      ...(await flood('/health', 100, from)),
      ...(await flood('/api/v1/payments/webhooks/simulated', 100, from)),
    ];
    expect(exempt.filter(({ status }) => status !== 200)).toEqual([]);
    expect((await edge.ask('/graphql', { from: '127.0.0.5' })).status).toBe(200);
  });
});
