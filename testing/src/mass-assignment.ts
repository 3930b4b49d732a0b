import { send, type MatrixCaller, type MatrixRow, type MatrixTarget } from './authorization-matrix.js';
import { changedRows, readRows } from './database-rows.js';

const HOSTILE_ID = '0195c1d0-bad0-7bad-8bad-bad0bad0bad0';
const HOSTILE_TIME = '2001-02-03T04:05:06.000Z';

/** Fields that a body has no business to set, with values that would do harm if it could. */
export const hostileFields: readonly [name: string, value: unknown][] = Object.entries({
  id: HOSTILE_ID,
  _id: HOSTILE_ID,
  userId: HOSTILE_ID,
  user_id: HOSTILE_ID,
  user: { id: HOSTILE_ID, role: 'admin' },
  actorId: HOSTILE_ID,
  ownerId: HOSTILE_ID,
  orderId: HOSTILE_ID,
  sessionId: HOSTILE_ID,
  sid: HOSTILE_ID,
  sub: HOSTILE_ID,
  by: HOSTILE_ID,
  email: 'hostile@example.com',
  emailNormalized: 'hostile@example.com',
  role: 'admin',
  roles: ['admin'],
  isActive: false,
  isAdmin: true,
  admin: true,
  version: 777,
  ver: 777,
  tokenVersion: 777,
  token_version: 777,
  sequence: 777,
  createdAt: HOSTILE_TIME,
  created_at: HOSTILE_TIME,
  updatedAt: HOSTILE_TIME,
  deletedAt: HOSTILE_TIME,
  deleted_at: HOSTILE_TIME,
  status: 'delivered',
  statusReason: 'hostile',
  statusHistory: [{ status: 'delivered', at: HOSTILE_TIME, by: HOSTILE_ID, reason: 'hostile' }],
  totalAmount: 7.77,
  total_amount: 777,
  amount: 7.77,
  unitAmount: 777,
  refundedAmount: 7.77,
  refunded_amount: 777,
  refundReserved: 777,
  refund_reserved: 777,
  currency: 'KWD',
  provider: 'hostile',
  providerReference: 'hostile',
  provider_reference: 'hostile',
  nextAction: { type: 'hostile', url: 'https://hostile.example' },
  transactionId: 'hostile',
  transaction_id: 'hostile',
  failureReason: 'hostile',
  idempotencyKey: 'hostile',
  paidAt: HOSTILE_TIME,
  payableUntil: '2099-02-03T04:05:06.000Z',
  payable_until: '2099-02-03T04:05:06.000Z',
  password: 'hostile password',
  passwordHash: 'hostile',
  password_hash: 'hostile',
  fullName: 'Hostile',
  prototype: { isAdmin: true },
  constructor: { prototype: { isAdmin: true, role: 'admin' } },
  hasOwnProperty: 1,
  toString: 'hostile',
  $set: { role: 'admin' },
  data: { role: 'admin' },
  AND: [],
  ['__proto__']: { isAdmin: true, role: 'admin', userId: HOSTILE_ID }, // in brackets: a field of its own
});

/** A body with the hostile fields, also in its lists; what the body itself says stays. */
function withHostileFields(body: object, allowed: readonly string[] = []): object {
  const merged = new Map(hostileFields.filter(([name]) => !allowed.includes(name)));
  for (const [name, value] of Object.entries(body)) {
    merged.set(
      name,
      Array.isArray(value) ? value.map((one: unknown) => (isObject(one) ? withHostileFields(one) : one)) : value,
    );
  }
  // Each becomes a field of its own, `__proto__` too.
  return Object.fromEntries(merged);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The rows whose operation takes a body and that are allowed to somebody: each with who that is. */
export const bodyRowsOf = (rows: readonly MatrixRow[]): [title: string, MatrixRow, MatrixCaller][] =>
  rows.flatMap((row): [string, MatrixRow, MatrixCaller][] => {
    const mayDoIt = (one: MatrixCaller): boolean => Number(row.outcomes[one]) < 400;
    const caller = (['owner', 'admin'] as const).find(mayDoIt);
    return takesBody(row.operation) && caller !== undefined ? [[row.operation, row, caller]] : [];
  });

export const takesBody = (operation: string): boolean => /^(POST|PUT|PATCH) /.test(operation);

interface Effect {
  status: number;
  answer: string;
  rows: string[];
}

/**
 * What a request does as it should be, and what a second one like it does that has the hostile fields too, with all that
 * differs from one request to the next left out: ids, times, tokens. The two must be equal.
 */
export async function effectsOf(
  target: MatrixTarget,
  row: MatrixRow,
  caller: MatrixCaller,
): Promise<{ plain: Effect; hostile: Effect }> {
  return {
    plain: await effectOf(target, row, caller, (body) => body),
    hostile: await effectOf(target, row, caller, (body) => withHostileFields(body, row.furtherFields)),
  };
}

async function effectOf(
  target: MatrixTarget,
  row: MatrixRow,
  caller: MatrixCaller,
  change: (body: object) => object,
): Promise<Effect> {
  const scene = await row.scene(caller);
  const tables = [...target.tables, ...target.journals];
  const before = await readRows(target.query, tables);
  const answer = await send(target, row, { ...scene, body: change(scene.body ?? {}) });
  const { added, gone } = changedRows(before, await readRows(target.query, tables));
  const rows = [...added.map((one) => `now ${one}`), ...gone.map((one) => `was ${one}`)];
  const sorted = rows.map((text) => ({ text, key: alike(text, new Map()) })).toSorted((a, b) => compare(a.key, b.key));
  const ids = new Map<string, string>();
  return {
    status: answer.status,
    answer: alike(JSON.stringify(answer.body), ids),
    rows: sorted.map(({ text }) => alike(text, ids)),
  };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A text without what is new in each request. Hostile values stay as they are: nobody could have come by them. */
function alike(text: string, ids: Map<string, string>): string {
  return text
    .replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, (id) => {
      if (id === HOSTILE_ID) return id;
      const name = ids.get(id) ?? `<id ${ids.size + 1}>`;
      ids.set(id, name);
      return name;
    })
    .replaceAll(/20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?/g, (time) =>
      time.startsWith('2001') || time.startsWith('2099') ? time : '<time>',
    )
    .replaceAll(/[\w.-]+@example\.com/g, (email) => (email.startsWith('hostile') ? email : '<email>'))
    .replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>')
    .replaceAll(/\$2[aby]\$[^"]+/g, '<password hash>')
    .replaceAll(/\\\\x[\da-f]+/g, '<bytes>')
    .replaceAll(
      /"(refreshToken|requestId|traceparent|trace_id|request_id|position|transactionId|transaction_id)": ?("[^"]*"|\d+|null)/g,
      '"$1": <new>',
    );
}
