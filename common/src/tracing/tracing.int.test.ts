import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, startTraceCollector, timeLimit, type TraceCollector } from '@shop/testing';
import { RecordingLogger } from '../../test/messaging/fixtures.js';
import { startTracing, type Tracing } from './index.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

let collector: TraceCollector;
const started: Tracing[] = [];

beforeAll(async () => {
  collector = await startTraceCollector();
});
afterEach(async () => {
  for (const tracing of started.splice(0)) await tracing.stop();
});
afterAll(() => collector.stop());

async function start({ endpoint = collector.endpoint, samplingRatio = 1, logger = new RecordingLogger() } = {}) {
  const tracing = await startTracing(
    { endpoint, samplingRatio },
    { service: 'test-service', version: '1.2.3', logger },
  );
  if (tracing === undefined) throw new Error('no tracing');
  started.push(tracing);
  return tracing;
}

const collected = (spanId: string | undefined) =>
  eventually(() => {
    const span = collector.spans.find((candidate) => candidate.spanId === spanId);
    if (span === undefined) throw new Error('span has not arrived');
    return span;
  });
const idsOf = (traceparent: string) => /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/.exec(traceparent)?.slice(1) ?? [];

describe('tracing', () => {
  it('no collector is named -> none', async () => {
    expect(
      await startTracing(undefined, { service: 'a', version: '1', logger: new RecordingLogger() }),
    ).toBeUndefined();
  });

  it('a step of a trace that began elsewhere -> sent as its part, with all that is known of it', async () => {
    const tracing = await start();
    const before = Date.now();
    const span = tracing.open({
      name: 'early',
      kind: 'server',
      parent: PARENT,
      attributes: { a: 'x', none: undefined },
    });
    span.end({ name: 'late', attributes: { status: 200, ok: true } });

    const [traceId, spanId, flags] = idsOf(span.traceparent);
    expect([traceId, flags]).toEqual([TRACE, '01']);
    const sent = await collected(spanId);
    expect(sent).toEqual({
      service: 'test-service',
      traceId: TRACE,
      spanId,
      parentSpanId: '00f067aa0ba902b7',
      name: 'late',
      kind: 'server',
      start: expect.any(Number),
      end: expect.any(Number),
      attributes: { a: 'x', status: 200, ok: true },
      isFailed: false,
    });
    expect(sent.start).toBeGreaterThan(before - 5);
    expect(sent.end).toBeGreaterThanOrEqual(sent.start);
  });

  it('steps within a step -> each a child of the one that it was opened in', async () => {
    const tracing = await start();
    const outer = tracing.open({ name: 'outer', kind: 'server', parent: undefined });
    const inner = tracing.open({ name: 'inner', kind: 'client', parent: outer.traceparent });
    inner.end({ errorType: 'timeout' });
    outer.end();

    const [traceId, outerId] = idsOf(outer.traceparent);
    expect(await collected(idsOf(inner.traceparent)[1])).toMatchObject({
      traceId,
      parentSpanId: outerId,
      kind: 'client',
      attributes: { 'error.type': 'timeout' },
      isFailed: true,
    });
    expect((await collected(outerId)).parentSpanId).toBeUndefined();
  });

  it.each([undefined, '', 'nonsense', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `${PARENT}-more`])(
    'a parent of %j -> a new trace',
    async (parent) => {
      const tracing = await start();
      const [traceId] = idsOf(tracing.open({ name: 'a', kind: 'server', parent }).traceparent);
      expect(traceId).toMatch(/[1-9a-f]/);
      expect(traceId).not.toBe(TRACE);
    },
  );

  it('a part of all traces is kept -> the same ones in every process, whatever a client says of them', async () => {
    const [one, other] = [await start({ samplingRatio: 0.5 }), await start({ samplingRatio: 0.5 })];
    const flagsOf = (tracing: Tracing, parent: string) => {
      const span = tracing.open({ name: 'sampled', kind: 'server', parent });
      span.end();
      return idsOf(span.traceparent)[2];
    };
    const decisions = Array.from({ length: 200 }, () => {
      const id = idsOf(one.open({ name: 'a', kind: 'server', parent: undefined }).traceparent)[0] ?? '';
      const asked = `00-${id}-00f067aa0ba902b7-01`;
      const notAsked = `00-${id}-00f067aa0ba902b7-00`;
      return [flagsOf(one, asked), flagsOf(other, asked), flagsOf(one, notAsked)].join();
    });
    expect(new Set(decisions)).toEqual(new Set(['01,01,01', '00,00,00']));
  });

  it('no trace is kept -> contexts are passed on all the same, and nothing is sent', async () => {
    const before = collector.bodies.length;
    const tracing = await start({ samplingRatio: 0 });
    const span = tracing.open({ name: 'a', kind: 'server', parent: PARENT });
    span.end();
    await tracing.stop();

    expect(idsOf(span.traceparent)).toEqual([TRACE, expect.not.stringMatching('00f067aa0ba902b7'), '00']);
    expect(collector.bodies.length).toBe(before);
  });

  it('the process stops -> what was not sent yet is', async () => {
    const tracing = await start();
    const span = tracing.open({ name: 'last', kind: 'server', parent: undefined });
    span.end();
    await tracing.stop();

    expect(collector.spans.map(({ spanId }) => spanId)).toContain(idsOf(span.traceparent)[1]);
  });

  it('the collector is away -> said once, until it is back; nobody waits for it, and stopping takes 3 s at most', async () => {
    const logger = new RecordingLogger();
    let isAway = true;
    const server = createServer((request, response) => {
      request.resume().once('end', () => response.writeHead(isAway ? 400 : 200).end('{}'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
    const tracing = await start({ endpoint, logger });
    const send = () => tracing.open({ name: 'a', kind: 'server', parent: undefined }).end();

    send();
    await eventually(() => expect(logger.messages('warn')).toEqual(['traces are lost']));
    send();
    isAway = false;
    await eventually(() => {
      send();
      expect(logger.messages('info')).toEqual(['traces are sent again']);
    });
    expect(logger.messages('warn')).toHaveLength(1);

    server.closeAllConnections();
    server.close();
    send();
    const before = Date.now();
    await tracing.stop();
    expect(Date.now() - before).toBeLessThan(timeLimit(4_000));
  });

  it('a long value -> cut', async () => {
    const tracing = await start();
    const span = tracing.open({ name: 'a', kind: 'client', parent: PARENT, attributes: { long: 'x'.repeat(10_000) } });
    span.end();
    const sent = await collected(idsOf(span.traceparent)[1]);
    expect(String(sent.attributes.long)).toHaveLength(256);
  });
});
