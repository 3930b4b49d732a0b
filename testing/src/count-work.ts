// Loaded before a service's own code, by `node --import`: counts what the process does for each request, and answers
// GET /counted-work with that. Work belongs to a request by its asynchronous context, so that what runs beside it, such as the
// relay, is not counted; lines alone are counted all together, since the log writes those of many requests at once.
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import crypto from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { IncomingMessage, Server, ServerResponse } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import pg from 'pg';

const nothing = { statements: 0, calls: 0, randoms: 0, hashes: 0, signatures: 0, promises: 0 };
type Kind = keyof typeof nothing;

const current = new AsyncLocalStorage<Record<Kind, number>>();
let requests: Record<Kind, number>[] = [];
let lines = 0;

function count(kind: Kind): void {
  const work = current.getStore();
  if (work) work[kind] += 1;
}

/** Has `around` stand between a method and its callers. */
function intercept<Name extends string>(
  owner: Record<Name, object>,
  name: Name,
  around: (call: () => unknown, parameters: unknown[]) => unknown,
): void {
  const method = new Proxy(owner[name], {
    apply: (target, self, parameters): unknown =>
      around(() => Reflect.apply(target as () => unknown, self, parameters), parameters),
  });
  Object.defineProperty(owner, name, { value: method, configurable: true, enumerable: true, writable: true });
}

function countCalls<Name extends string>(kind: Kind, owner: Record<Name, object>, names: readonly Name[]): void {
  for (const name of names) {
    intercept(owner, name, (call) => {
      count(kind);
      return call();
    });
  }
}

countCalls('randoms', crypto, [
  'randomBytes',
  'randomFill',
  'randomFillSync',
  'randomInt',
  'randomUUID',
  'randomUUIDv7',
]);
countCalls('hashes', crypto, ['createHash', 'createHmac', 'hash']);
countCalls('signatures', crypto, ['sign', 'verify', 'createSign', 'createVerify']);
syncBuiltinESMExports();
countCalls('randoms', globalThis.crypto, ['getRandomValues', 'randomUUID']);
countCalls('statements', pg.Client.prototype, ['query']);
subscribe('undici:request:create', () => count('calls'));
createHook({ init: (_id, type) => (type === 'PROMISE' ? count('promises') : undefined) }).enable();
intercept(process.stdout, 'write', (call, [text]) => {
  lines += String(text).split('\n').length - 1;
  return call();
});

intercept(Server.prototype, 'emit', (emit, [event, request, response]) => {
  if (event !== 'request' || !(request instanceof IncomingMessage) || !(response instanceof ServerResponse)) {
    return emit();
  }
  if (request.url === '/counted-work') {
    // By then the log has written what it had.
    setTimeout(() => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ requests, lines }));
      requests = [];
      lines = 0;
    }, 100);
    return true;
  }
  const work = { ...nothing };
  requests.push(work);
  return current.run(work, emit);
});
