import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type CollectedSpan, eventually, startTraceCollector, type TraceCollector } from '@shop/testing';
import { orderCreatedDraft, RecordingLogger } from '../../test/messaging/fixtures.js';
import { MessagingBench } from '../../test/messaging/messaging-bench.js';
import type { EventDraft } from '../contracts/index.js';
import { runInScope } from '../logger/index.js';
import { startTracing, type Tracing } from '../tracing/index.js';
import { runDeadLettersCommand } from './dead-letters-command.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CHANGE = '00f067aa0ba902b7';

let bench: MessagingBench;
let collector: TraceCollector;
let tracing: Tracing;

beforeAll(async () => {
  bench = await MessagingBench.open();
});
beforeEach(async () => {
  collector = await startTraceCollector();
  tracing = (await startTracing(
    { endpoint: collector.endpoint, samplingRatio: 1 },
    { service: 'test-service', version: '1', logger: new RecordingLogger() },
  ))!;
});
afterEach(async () => {
  await bench.reset();
  await tracing.stop();
  await collector.stop();
});
afterAll(() => bench.close());

/** Commits an event within a step of a trace. */
const emitInTrace = (event: EventDraft = orderCreatedDraft()): Promise<void> =>
  runInScope({ requestId: randomUUID(), traceparent: `00-${TRACE}-${CHANGE}-01` }, () => bench.emit([event]));

const PUBLISH = 'publish microservices.events:order.created';
const PROCESS = 'process microservices.events:order.created:payment-service.v2';

const spansNamed = (name: string, count = 1): Promise<CollectedSpan[]> =>
  eventually(() => {
    const found = collector.spans.filter((span) => span.name === name);
    expect(found).toHaveLength(count);
    return found;
  });

describe('the trace of an event', () => {
  it('written before any relay runs, published by the second one -> publication and handling are steps of the change', async () => {
    await emitInTrace();
    await bench.startRelay(bench.connect('amqp://127.0.0.1:1'), { tracing }).stop(); // the broker is away
    const connection = bench.connect();
    const scopes: (string | undefined)[] = [];
    bench.startConsumer(
      connection,
      { 'order.created': async (event) => void scopes.push(event.traceparent) },
      { tracing },
    );
    bench.startRelay(connection, { tracing });

    const [publish] = await spansNamed(PUBLISH);
    const [handled] = await spansNamed(PROCESS);
    expect(publish).toMatchObject({ traceId: TRACE, parentSpanId: CHANGE, kind: 'producer', isFailed: false });
    expect(handled).toMatchObject({ traceId: TRACE, parentSpanId: CHANGE, kind: 'consumer', isFailed: false });
    expect(handled?.attributes).toMatchObject({
      'messaging.system': 'rabbitmq',
      'messaging.operation.name': 'process',
      'messaging.message.id': publish?.attributes['messaging.message.id'],
    });
    expect(scopes).toEqual([`00-${TRACE}-${CHANGE}-01`]);
  });

  it('handled -> what the handler writes is published in the same trace, as a step of the handling', async () => {
    const connection = bench.connect();
    const caused = orderCreatedDraft();
    bench.startConsumer(
      connection,
      {
        'order.created': async ({ subject }, cause) => {
          if (subject === caused.subject) return;
          await bench.store().save(async () => ({ value: undefined, events: [caused] }), { cause });
        },
      },
      { tracing },
    );
    bench.startRelay(connection, { tracing });
    await emitInTrace();

    const [first, second] = (await spansNamed(PROCESS, 2)).toSorted((a, b) => a.start - b.start);
    const publications = (await spansNamed(PUBLISH, 2)).toSorted((a, b) => a.start - b.start);
    expect([first?.traceId, second?.traceId]).toEqual([TRACE, TRACE]);
    expect(publications[1]?.parentSpanId).toBe(first?.spanId);
    expect(second?.parentSpanId).toBe(first?.spanId);
  });

  it('given up, and replayed later -> every try is a step of the change, the failed ones marked', async () => {
    let isBroken = true;
    const connection = bench.connect();
    bench.startConsumer(
      connection,
      {
        'order.created': async () => {
          if (isBroken) throw new TypeError('broken');
        },
      },
      { tracing },
    );
    bench.startRelay(connection, { tracing });
    await emitInTrace();
    await eventually(async () => expect(await bench.waiting(bench.deadLetterQueue)).toBe(1));
    isBroken = false;
    const code = await runDeadLettersCommand(['replay'], {
      writeAudit: () => Promise.reject(new Error('nothing is to be dropped')),
      brokerUrl: () => bench.broker.url,
      queues: bench.topology.workQueues,
      stdout: () => undefined,
      stderr: () => undefined,
    });
    expect(code).toBe(0);

    const tries = await spansNamed(PROCESS, 6);
    expect(tries.every(({ traceId, parentSpanId }) => traceId === TRACE && parentSpanId === CHANGE)).toBe(true);
    expect(tries.map(({ isFailed, attributes }) => [isFailed, attributes['error.type']])).toEqual([
      ...Array.from({ length: 5 }, () => [true, 'TypeError']),
      [false, undefined],
    ]);
  });

  it('of a change that no request asked for -> begins where it is handled', async () => {
    const connection = bench.connect();
    bench.startConsumer(connection, {}, { tracing });
    bench.startRelay(connection, { tracing });
    await bench.emit([orderCreatedDraft()]);

    const [handled] = await spansNamed(PROCESS);
    expect(handled?.parentSpanId).toBeUndefined();
    expect(collector.spans.filter(({ name }) => name === PUBLISH)).toEqual([]);
  });
});
