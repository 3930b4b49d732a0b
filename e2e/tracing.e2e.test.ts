import { readFileSync } from 'node:fs';
import path from 'node:path';
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTraceCollector, type CollectedSpan, type TraceCollector } from '@shop/testing';
import { sendRequest } from '@shop/testing/api-client';
import { startStack, type RunningStack } from '../stack/start-stack.ts';
import { eventually, orderInput, type Answer } from './support/system.js';

let collector: TraceCollector;
let stack: RunningStack;
let token: string;

beforeAll(async () => {
  collector = await startTraceCollector();
  stack = await startStack({
    environment: { BCRYPT_COST: '4', OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
  });
  // Its first requests may take a system longer than they have.
  token = await eventually(async () => {
    const input = `{ email: "${randomUUID()}@example.com", password: "password123", firstName: "Ada", lastName: "Lovelace" }`;
    return (await ask(`mutation { register(input: ${input}) { token } }`)).register.token as string;
  });
});

afterAll(async () => {
  await stack.stop();
  await collector.stop();
});

/** Asks GraphQL by way of nginx, as a part of a trace. */
async function ask(query: string, { trace, variables }: { trace?: Trace; variables?: object } = {}) {
  const answer: Answer = await sendRequest(`${stack.urls.nginx}/query`, {
    token: token || undefined,
    headers: trace && { traceparent: `00-${trace.id}-${trace.parent}-01` },
    body: { query, variables },
  });
  const { data, errors } = answer.body;
  expect(errors).toBeUndefined();
  return data;
}

interface Trace {
  readonly id: string;
  readonly parent: string;
}
const newTrace = (): Trace => ({ id: randomBytes(16).toString('hex'), parent: randomBytes(8).toString('hex') });

/** The steps of a trace as paths from its begin, such as "gateway POST /query > gateway mutation"; queries only where asked. */
function stepsOf({ id, parent }: Trace): string[] {
  const spans = collector.spans.filter(({ traceId }) => traceId === id);
  const wayTo = (span: CollectedSpan): string => {
    const own = `${String(span.service)} ${span.name}`;
    if (span.parentSpanId === parent) return own;
    const above = spans.find(({ spanId }) => spanId === span.parentSpanId);
    return `${above === undefined ? '?' : wayTo(above)} > ${own}`;
  };
  return spans.map(wayTo);
}

const placeOrder = async (trace: Trace): Promise<string> => {
  const query = 'mutation Place($input: CreateOrderInput!) { createOrder(input: $input) { id } }';
  return (await ask(query, { trace, variables: { input: orderInput } })).createOrder.id as string;
};

const ORDER = 'gateway POST /query > gateway mutation > gateway POST order-service > order-service POST /api/v1/orders';
const events = (type: string, received = ''): string => `microservices.events:${type}${received}`;
const NOTIFIED = `${ORDER} > payment-service process ${events('order.created', ':payment-service.v2')}`;

describe('one trace', () => {
  it('an order by way of nginx -> every step to the payment that is opened for it', async () => {
    const trace = newTrace();
    await placeOrder(trace);

    await eventually(async () => {
      expect(stepsOf(trace)).toEqual(
        expect.arrayContaining([
          ORDER,
          `${ORDER} > order-service INSERT orders`,
          `${ORDER} > order-service publish ${events('order.created')}`,
          NOTIFIED,
          `${NOTIFIED} > payment-service publish ${events('payment.created')}`,
        ]),
      );
    });
    const steps = stepsOf(trace);
    expect(steps.filter((step) => step.includes('?'))).toEqual([]); // no step without the one that it is a part of
    expect(
      steps.filter((step) => /payment-service process .* > payment-service (INSERT|UPDATE|SELECT)/.test(step)),
    ).not.toEqual([]);
  });

  it('a payment -> every step to the order that it confirms', async () => {
    const orderId = await placeOrder(newTrace());
    const paymentId = await eventually(async () => {
      const { paymentByOrder } = await ask(`{ paymentByOrder(orderId: "${orderId}") { id } }`);
      return paymentByOrder.id as string;
    });
    const trace = newTrace();
    await ask(`mutation { processPayment(id: "${paymentId}") { status } }`, { trace });

    const paid = 'payment-service POST /api/v1/payments/:id/process';
    const received = `order-service process ${events('payment.success', ':order-service.v2')}`;
    await eventually(async () => {
      expect(stepsOf(trace).map((step) => step.replace(/^.* > (?=payment-service POST)/, ''))).toEqual(
        expect.arrayContaining([
          `${paid} > payment-service publish ${events('payment.success')}`,
          `${paid} > ${received} > order-service publish ${events('order.status_changed')}`,
        ]),
      );
    });
  });

  it("nginx's line about the request, and the caller's answer -> name the same trace", async () => {
    const { id, parent } = newTrace();
    const response = await fetch(`${stack.urls.nginx}/api/v1/orders`, {
      headers: { traceparent: `00-${id}-${parent}-01`, authorization: `Bearer ${token}` },
    });
    expect(response.headers.get('traceparent')).toMatch(new RegExp(`^00-${id}-[0-9a-f]{16}-01$`));

    const log = path.join(stack.directory, 'logs', 'nginx.log');
    await eventually(async () => expect(readFileSync(log, 'utf8')).toContain(`"traceId":"${id}"`));
  });

  it('a service is killed before it could publish a change, and the broker is away -> goes on when both are back', async () => {
    await stack.process('rabbitmq').kill();
    const trace = newTrace();
    await placeOrder(trace);
    await stack.process('order-service').kill();
    await stack.process('order-service').restart();
    await stack.process('rabbitmq').restart();

    // What the killed process knew of its own steps is lost with it; what comes after belongs to the same trace.
    await eventually(async () => {
      const later = collector.spans.filter(({ traceId }) => traceId === trace.id).map(({ name }) => name);
      expect(later).toEqual(
        expect.arrayContaining([
          `publish ${events('order.created')}`,
          `process ${events('order.created', ':payment-service.v2')}`,
          `publish ${events('payment.created')}`,
        ]),
      );
    });
  });
});
