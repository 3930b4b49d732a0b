import { z } from 'zod';
import { statusOfCode } from '@shop/common/http';
import type { RawAnswer } from '../raw-http.js';
import type { BadRequest } from './bad-request.js';

const restFailure = z.strictObject({
  success: z.literal(false),
  error: z.looseObject({
    code: z.enum(Object.keys(statusOfCode) as [string, ...string[]]),
    message: z.string().min(1),
  }),
  requestId: z.string().min(1),
});
const graphqlFailure = z.strictObject({
  errors: z
    .array(z.looseObject({ message: z.string().min(1), extensions: z.looseObject({ code: z.string() }) }))
    .min(1),
  data: z.unknown().optional(),
});
/** Statuses below any route, which have no code of their own. */
const WIRE_STATUSES = [408, 417, 421, 431];
/** In GraphQL, failures of ours come with status 200. */
const OUR_FAILURES = ['INTERNAL_ERROR', 'SERVICE_UNAVAILABLE', 'UPSTREAM_TIMEOUT'];
/** Texts of libraries, of the database and of stacks: whole words, since answers quote what was sent, noise as well. */
const INNARDS =
  /node_modules|\bat \S+ \(|\.[jt]s:\d|\bprisma|\bpostgres|\bpg_|relation "|SELECT |INSERT |\b(Syntax|Type|Range)Error\b|Unexpected (token|end)|in JSON at|\bHPE_|\bECONN|\bentity\.|\bzod(error)?\b|\bundici\b|\bBigInt\b/i;

/** What is wrong with an answer to a bad request: nothing where the list is empty. */
export function faultsOf(request: BadRequest, answer: RawAnswer | undefined): string[] {
  if (answer === undefined) return request.mayHangUp ? [] : ['no answer'];
  const { status, headers, body } = answer;
  const faults: string[] = [];
  if (status >= 500) faults.push(`status ${status}`);
  if (request.statuses && !request.statuses.includes(status)) {
    faults.push(`status ${status}, not one of ${request.statuses.join(', ')}`);
  }
  const isError = status >= 400 || body.startsWith('{"errors"');
  if (!isError) return faults;
  if (INNARDS.test(body)) faults.push(`innards: ${INNARDS.exec(body)?.[0]}`);
  if (request.bytes.subarray(0, 5).toString() === 'HEAD ') return faults;
  if (headers.get('content-type')?.includes('json') !== true) return [...faults, `type ${headers.get('content-type')}`];
  return [...faults, ...formFaults(status, body)];
}

function formFaults(status: number, body: string): string[] {
  const value: unknown = body === '' ? undefined : JSON.parse(body);
  const graphql = graphqlFailure.safeParse(value);
  if (graphql.success) {
    return graphql.data.errors
      .filter(({ extensions }) => OUR_FAILURES.includes(extensions.code))
      .map(({ extensions, message }) => `${extensions.code}: ${message}`);
  }
  const rest = restFailure.safeParse(value);
  if (!rest.success) return [`not in the form of errors: ${body.slice(0, 200)}`];
  const { code, fields, details } = rest.data.error;
  if (code === 'INVALID_INPUT' && (!Array.isArray(fields) || typeof details !== 'string')) return ['no fields'];
  if (WIRE_STATUSES.includes(status)) return [];
  return statusOfCode[code as keyof typeof statusOfCode] === status ? [] : [`status ${status} with ${code}`];
}
