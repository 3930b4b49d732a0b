import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { FakeAccount, FakeRefusal } from './fake-account.js';

/**
 * What goes wrong with one request. `before`: nothing is done. `after`: it is done, and the answer is lost. `status`: what is
 * answered instead; none: the connection is cut. Stripe keeps an answer of 500 under its idempotency key.
 */
export interface FakeFault {
  /** What the path of the request has to match, such as /confirm$/. */
  path: RegExp;
  when: 'before' | 'after';
  status?: number | undefined;
}

/** How each webhook is delivered. */
export interface FakeDelivery {
  url: string;
  secret: string;
  /** How often each is sent, and how many milliseconds late. */
  times?: number;
  delay?: number;
}

export interface FakeStripe {
  readonly url: string;
  readonly account: FakeAccount;
  /** All that was asked, method and path. */
  readonly requests: readonly string[];
  /** The next request that fits fails so. */
  fail(fault: FakeFault): void;
  /** Webhooks go there from now on; undefined: nowhere. */
  deliverTo(delivery: FakeDelivery | undefined): void;
  /** An event as Stripe would send it, and its signature. */
  signed(event: { type: string; object: object; secret: string; at?: Date; changes?: object }): {
    payload: string;
    signature: string;
  };
  stop(): Promise<void>;
}

export interface FakeStripeOptions {
  secretKey: string;
  /** Milliseconds after which customers agree when their bank asks them; undefined: never by themselves. */
  customersAgreeAfter?: number;
}

interface KeptAnswer {
  /** The request that the key stands for. */
  fingerprint: string;
  /** undefined: it is still running. */
  answer?: { status: number; body: object };
}

const errorOf = (error: object): object => ({ error });
const newEventId = (): string => `evt_${randomBytes(12).toString('hex')}`;

export const signatureOfStripe = (payload: string, { secret, at }: { secret: string; at: Date }): string => {
  const timestamp = Math.floor(at.getTime() / 1_000);
  return `t=${timestamp},v1=${createHmac('sha256', secret).update(`${timestamp}.${payload}`).digest('hex')}`;
};

/** Stripe's API over HTTP as far as we use it, in memory: https://docs.stripe.com/api. */
export async function startFakeStripe({ secretKey, customersAgreeAfter }: FakeStripeOptions): Promise<FakeStripe> {
  const kept = new Map<string, KeptAnswer>();
  const faults: FakeFault[] = [];
  const requests: string[] = [];
  const sending = new Set<Promise<void>>();
  const stopping = new AbortController();
  let delivery: FakeDelivery | undefined;

  const account = new FakeAccount((type, object) => {
    if (type === 'payment_intent.requires_action' && 'id' in object) agree(String(object.id));
    if (delivery === undefined) return;
    const { url, secret, times = 1, delay = 0 } = delivery;
    const payload = payloadOf(type, object);
    for (let time = 0; time < times; time += 1) {
      const sent = deliver(url, { payload, secret, delay, signal: stopping.signal }).finally(() =>
        sending.delete(sent),
      );
      sending.add(sent);
    }
  });

  function agree(id: string): void {
    if (customersAgreeAfter === undefined) return;
    const agreed = pause(customersAgreeAfter, undefined, { signal: stopping.signal })
      .then(() => {
        if (account.intent(id).status === 'requires_action') account.succeed(id);
      })
      .catch(() => undefined) // the fake has stopped
      .finally(() => sending.delete(agreed));
    sending.add(agreed);
  }

  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stripe');
    const body = await text(request);
    const method = request.method ?? '';
    requests.push(`${method} ${pathname}`);
    const reply = (status: number, result: object) => {
      response.writeHead(status, { 'Content-Type': 'application/json', 'Request-Id': `req_${requests.length}` });
      response.end(JSON.stringify(result));
    };
    if (request.headers.authorization !== `Bearer ${secretKey}`) {
      reply(401, errorOf({ type: 'invalid_request_error', message: 'Invalid API Key provided' }));
      return;
    }
    const index = faults.findIndex(({ path }) => path.test(pathname));
    const [fault] = index === -1 ? [] : faults.splice(index, 1);
    if (fault?.when === 'before') {
      breakOff(fault);
      return;
    }
    const key = request.headers['idempotency-key']?.toString();
    const params = Object.fromEntries(method === 'GET' ? searchParams : new URLSearchParams(body));
    const result = withKey(key, `${method} ${pathname} ${body}`, () => act(method, pathname, params), fault);
    if (fault?.when === 'after') breakOff(fault);
    else reply(result.status, result.body);

    function breakOff({ status }: FakeFault): void {
      if (status === undefined) request.socket.destroy();
      else reply(status, errorOf({ type: status === 429 ? 'rate_limit_error' : 'api_error', message: 'sorry' }));
    }
  }

  /** What was answered to a key is answered again, to the same request only. */
  function withKey(
    key: string | undefined,
    fingerprint: string,
    run: () => { status: number; body: object },
    fault: FakeFault | undefined,
  ): { status: number; body: object } {
    const known = key === undefined ? undefined : kept.get(key);
    if (known !== undefined && known.fingerprint !== fingerprint) {
      return { status: 400, body: errorOf({ type: 'idempotency_error', message: 'Keys can only be used once' }) };
    }
    if (known?.answer !== undefined) return known.answer;
    const result = run();
    const isFailure = fault?.when === 'after' && fault.status !== undefined;
    const stored = isFailure
      ? { status: fault.status ?? 500, body: errorOf({ type: 'api_error', message: 'sorry' }) }
      : result;
    if (key !== undefined) kept.set(key, { fingerprint, answer: structuredClone(stored) });
    return result;
  }

  function act(method: string, path: string, params: Record<string, string>): { status: number; body: object } {
    const [, , collection, id = '', verb] = path.split('/');
    try {
      return { status: 200, body: actionOf(`${method} ${collection}${id && '/id'}${verb ? `/${verb}` : ''}`)() };
    } catch (error) {
      if (!(error instanceof FakeRefusal)) throw error;
      return { status: error.status, body: errorOf(error.body) };
    }

    function actionOf(name: string): () => object {
      switch (name) {
        case 'POST payment_intents':
          return () => account.createIntent(params);
        case 'GET payment_intents':
          return () => pageOf([...account.intents.values()], params);
        case 'GET payment_intents/id':
          return () => account.intent(id);
        case 'POST payment_intents/id':
          return () => account.update(id, params);
        case 'POST payment_intents/id/confirm':
          return () => account.confirm(id, params);
        case 'POST payment_intents/id/cancel':
          return () => account.cancel(id);
        case 'POST refunds':
          return () => account.refund(params);
        case 'GET refunds':
          return () => pageOf(refundsOf(account, params), params);
        default:
          throw new FakeRefusal(404, { type: 'invalid_request_error', message: `Unrecognized request URL (${name})` });
      }
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fake of Stripe has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    account,
    requests,
    fail: (fault) => void faults.push(fault),
    deliverTo: (next) => {
      delivery = next;
    },
    signed: ({ type, object, secret, at = new Date(), changes }) => {
      const payload = payloadOf(type, object, changes);
      return { payload, signature: signatureOfStripe(payload, { secret, at }) };
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(sending);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const payloadOf = (type: string, object: object, changes: object = {}): string =>
  JSON.stringify({
    id: newEventId(),
    object: 'event',
    type,
    livemode: false,
    created: Math.floor(Date.now() / 1_000),
    data: { object },
    ...changes,
  });

/** Sends a webhook, as Stripe does, until it is taken: five times here. */
async function deliver(
  url: string,
  { payload, secret, delay, signal }: { payload: string; secret: string; delay: number; signal: AbortSignal },
): Promise<void> {
  for (let wait = delay, tries = 0; tries < 5; wait = 500, tries += 1) {
    const isOver = await pause(wait, false, { signal }).catch(() => true);
    if (isOver) return;
    const headers = {
      'Content-Type': 'application/json',
      'Stripe-Signature': signatureOfStripe(payload, { secret, at: new Date() }),
    };
    const response = await fetch(url, { method: 'POST', headers, body: payload, signal }).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return;
  }
}

/** Newest first, as Stripe lists. */
function pageOf(items: readonly { id: string; created: number }[], params: Record<string, string>): object {
  const since = Number(params['created[gte]'] ?? 0);
  const limit = Number(params.limit ?? 10);
  const all = items.filter(({ created }) => created >= since).toReversed();
  const start = params.starting_after === undefined ? 0 : all.findIndex(({ id }) => id === params.starting_after) + 1;
  return { object: 'list', data: all.slice(start, start + limit), has_more: all.length > start + limit };
}

function refundsOf({ refunds, intents }: FakeAccount, params: Record<string, string>) {
  const { payment_intent: intentId } = params;
  const isExpanded = params['expand[0]'] === 'data.payment_intent';
  return [...refunds.values()]
    .filter((refund) => intentId === undefined || refund.payment_intent === intentId)
    .map((refund) => (isExpanded ? { ...refund, payment_intent: intents.get(refund.payment_intent) } : refund));
}
