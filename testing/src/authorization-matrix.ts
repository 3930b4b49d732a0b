import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Revocation } from '@shop/common/auth';
import type { Role } from '@shop/common/contracts';
import { statusOfCode, type Method, type ServiceApp } from '@shop/common/http';
import { ask, type Received } from './ask.js';
import { changedRows, readRows, type Query } from './database-rows.js';
import type { TestTokens } from './test-tokens.js';

/**
 * Who calls: nobody known; the owner of what is asked for, by a token that was revoked; somebody who was an admin, by
 * the token of that time; some other user; the owner; an admin.
 */
export const matrixCallers = ['anonymous', 'revoked', 'demoted', 'other', 'owner', 'admin'] as const;
export type MatrixCaller = (typeof matrixCallers)[number];

/** Such as `GET /:id`, below the path that the router is mounted at. */
export type Operation = `${Method} /${string}`;

/**
 * What a caller gets: a status. `own`: 200 and what is its own. Of lists, `listed`: 200 and what the request is about
 * among the rest; `unlisted`: 200 and nothing that isn't the caller's.
 */
export type Outcome = number | 'own' | 'listed' | 'unlisted';

/** One request: who sends it, and what it is about. */
export interface Scene {
  readonly authorization?: string | undefined;
  readonly callerId?: string | undefined;
  /** The id of what a list has or hasn't. */
  readonly subject?: string;
  /** Parts of the path. */
  readonly params?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

export interface MatrixRow {
  readonly operation: Operation;
  /** What sets it apart from other rows of its operation. */
  readonly when?: string;
  readonly outcomes: Readonly<Record<MatrixCaller, Outcome>>;
  /** Fields of the body that the operation supports by right, and that the scene's body doesn't have. */
  readonly furtherFields?: readonly string[];
  /** Makes what the request is about again for each request, so that no cell depends on another. */
  readonly scene: (caller: MatrixCaller) => Promise<Scene>;
}

/** A service whose matrix is tried out. */
export interface MatrixTarget {
  readonly url: string;
  /** What operations stand below, such as /api/v1/orders. */
  readonly base: string;
  readonly query: Query;
  /** The tables that no refused request may change. */
  readonly tables: readonly string[];
  /** Further tables that a request that isn't refused may write to. */
  readonly journals: readonly string[];
}

export type MatrixPeople = Readonly<Record<MatrixCaller, { id?: string; authorization?: string }>>;

/** Callers by their tokens alone, for a service that doesn't keep users; `revocations` have to be published to it. */
export function createMatrixPeople(tokens: TestTokens): { people: MatrixPeople; revocations: Revocation[] } {
  const person = (role: Role, { id = randomUUID(), ver = 2 } = {}) => ({
    id,
    authorization: `Bearer ${tokens.tokenFor({ id, role }, { ver })}`,
  });
  const [owner, admin, other] = [person('user'), person('admin'), person('user')];
  const revoked = person('user', { id: owner.id, ver: 1 });
  const demoted = person('admin', { id: admin.id, ver: 1 });
  return {
    people: { anonymous: {}, revoked, demoted, other, owner, admin },
    revocations: [owner, admin].map(({ id }) => ({ userId: id, minimumVersion: 2 })),
  };
}

/** The same for everybody. */
export const open = (outcome: Outcome): MatrixRow['outcomes'] => ({
  anonymous: outcome,
  revoked: outcome,
  demoted: outcome,
  other: outcome,
  owner: outcome,
  admin: outcome,
});

/** Refused to those who aren't known, or not any more. */
export const guarded = (known: Record<'other' | 'owner' | 'admin', Outcome>): MatrixRow['outcomes'] => ({
  anonymous: 401,
  revoked: 401,
  demoted: 401,
  ...known,
});

/** Everything that an app answers to, in order of the alphabet. */
export function operationsOf(app: ServiceApp): string[] {
  const operations = (stack: ServiceApp['router']['stack']): string[] =>
    stack.flatMap(({ route, handle }) => {
      if (route === undefined) return isRouter(handle) ? operations(handle.stack) : [];
      // Handlers of all methods have none: they refuse the others.
      const methods = new Set(route.stack.flatMap(({ method }: { method?: string }) => method ?? []));
      return [...methods].map((method) => `${method.toUpperCase()} ${route.path}`);
    });
  return operations(app.router.stack).toSorted();
}

const isRouter = (handle: unknown): handle is ServiceApp['router'] =>
  typeof handle === 'function' && 'stack' in handle && Array.isArray(handle.stack);

/** Sends what a row describes, as `scene` has it. */
export function send({ url, base }: MatrixTarget, { operation }: MatrixRow, scene: Scene): Promise<Received> {
  const [method = '', path = ''] = operation.split(' ');
  const filled = path.replaceAll(/:(\w+)/g, (_all, name: string) => {
    const value = scene.params?.[name];
    if (value === undefined) throw new Error(`no ${name} for ${operation}`);
    return value;
  });
  const { authorization, headers, body } = scene;
  return ask(`${url}${base}${filled === '/' ? '' : filled}`, { method, authorization, headers, body });
}

const codeOfStatus = new Map<number, string>(Object.entries(statusOfCode).map(([code, status]) => [status, code]));

/** An outcome in words: of a refusal its status and code. */
export const inWords = (outcome: Outcome): string =>
  typeof outcome === 'number' && outcome >= 400 ? `${outcome} ${codeOfStatus.get(outcome)}` : String(outcome);

/** What the caller really gets, in the words of `inWords`; and what a refused request has changed all the same. */
export async function observe(target: MatrixTarget, row: MatrixRow, caller: MatrixCaller): Promise<string> {
  const scene = await row.scene(caller);
  const before = await readRows(target.query, target.tables);
  const answer = await send(target, row, scene);
  if (answer.status < 400) return observedSuccess(answer, scene, row.outcomes[caller]);
  const { added, gone } = changedRows(before, await readRows(target.query, target.tables));
  const changes = added.length + gone.length > 0 ? `, but changed ${JSON.stringify({ gone, added })}` : '';
  return `${answer.status} ${refusal.parse(answer.body).error.code}${changes}`;
}

const refusal = z.object({ error: z.object({ code: z.string() }) });
const resource = z.looseObject({ id: z.string(), userId: z.string().optional() });
const success = z.object({ data: z.union([resource, z.array(resource)]) });

/** Users have no userId: they are their own. */
const ownerOf = ({ id, userId = id }: z.infer<typeof resource>): string => userId;

function observedSuccess({ status, body }: Received, { subject, callerId }: Scene, expected: Outcome): string {
  if (typeof expected === 'number' || status !== 200) return String(status);
  const { data } = success.parse(body);
  const rows = [data].flat();
  const foreign = rows.filter((row) => ownerOf(row) !== callerId);
  if (expected === 'own') return foreign.length === 0 ? 'own' : `200, ${JSON.stringify(foreign)}`;
  if (rows.some(({ id }) => id === subject)) return 'listed';
  return foreign.length === 0 ? 'unlisted' : `200, ${JSON.stringify(foreign)}`;
}

/** Each row with each caller and what it gets, to be given to `it.each`. */
export const cellsOf = (rows: readonly MatrixRow[]): [title: string, MatrixRow, MatrixCaller][] =>
  rows.flatMap((row) =>
    matrixCallers.map((caller): [string, MatrixRow, MatrixCaller] => [
      `${titleOf(row)}, ${caller} -> ${inWords(row.outcomes[caller])}`,
      row,
      caller,
    ]),
  );

export const titleOf = ({ operation, when }: MatrixRow): string => `${operation}${when ? ` ${when}` : ''}`;

/** What is open to everybody beside a service's own routes. */
export const openOperations: readonly Operation[] = [
  'GET /asyncapi.json',
  'GET /health',
  'GET /metrics',
  'GET /openapi.json',
  'GET /ready',
];
