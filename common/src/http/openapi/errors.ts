import type { ErrorCode } from '../../errors/index.js';
import { statusOfCode } from '../error-handler.js';
import { isChange, takesBody, type Route } from '../route.js';
import { exampleOf, type JsonSchema } from '../validation/index.js';
import { commonHeaders, headerRefs } from './headers.js';

interface ErrorDescription {
  /** When it is answered. */
  readonly when: string;
  readonly message: string;
  /** What always stands beside code and message. */
  readonly facts?: Readonly<Record<string, JsonSchema>>;
  /** What may stand there, too. */
  readonly optionalFacts?: Readonly<Record<string, JsonSchema>>;
  readonly headers?: readonly string[];
}

const text = (description: string, example: string): JsonSchema => ({
  type: 'string',
  description,
  examples: [example],
});
const paymentId = (description: string): JsonSchema => ({
  ...text(description, '019a2b3c-5d6e-7f60-8a9b-0c1d2e3f4a5b'),
  format: 'uuid',
});
const fieldFault = {
  type: 'object',
  properties: {
    field: text('Its path in the request.', 'email'),
    message: text('What is wrong.', 'Invalid email format'),
  },
  required: ['field', 'message'],
};

const descriptions: Readonly<Record<ErrorCode, ErrorDescription>> = {
  INVALID_INPUT: {
    when: 'Something in the request is wrong; `fields` says what.',
    message: 'Validation failed',
    facts: {
      details: text('All of `fields` in one line.', 'email: Invalid email format'),
      fields: { type: 'array', items: fieldFault },
    },
  },
  UNAUTHORIZED: {
    when: 'No token, or one that is malformed, expired, revoked or forged. When logging in: wrong credentials.',
    message: 'Authentication required',
    headers: ['WWW-Authenticate'],
  },
  PAYMENT_DECLINED: {
    when: 'The provider declined.',
    message: 'Payment was declined',
    facts: {
      reason: text("The provider's word for it.", 'insufficient_funds'),
      paymentId: paymentId('Of the payment.'),
    },
  },
  FORBIDDEN: { when: 'The caller is known and may not do this.', message: 'Not allowed' },
  NOT_FOUND: { when: "There is no such thing, or it isn't the caller's.", message: 'Not found' },
  METHOD_NOT_ALLOWED: { when: 'The path has other methods.', message: 'Method not allowed', headers: ['Allow'] },
  CONFLICT: {
    when: 'The state of things forbids this, or the same Idempotency-Key is still running (then with Retry-After).',
    message: 'Order status can not change from shipped to cancelled',
    optionalFacts: { paymentId: paymentId('Of the live payment that stands in the way, where one does.') },
    headers: ['Retry-After'],
  },
  PRECONDITION_FAILED: {
    when: 'What is there is another version than If-Match names.',
    message: 'It is not the version that the request is for: read it again',
  },
  PAYLOAD_TOO_LARGE: { when: 'The body is too large.', message: 'Request body is too large' },
  UNSUPPORTED_MEDIA_TYPE: {
    when: 'The body is not JSON in UTF-8.',
    message: 'Content-Type must be application/json in UTF-8',
  },
  IDEMPOTENCY_KEY_REUSED: {
    when: 'The Idempotency-Key stands for another request.',
    message: 'This Idempotency-Key was used for another request',
  },
  RATE_LIMITED: { when: 'Too many requests.', message: 'Too many requests', headers: ['Retry-After'] },
  INTERNAL_ERROR: { when: 'A bug. It is logged under the requestId.', message: 'Internal server error' },
  SERVICE_UNAVAILABLE: {
    when: 'Something that is needed is down or too busy.',
    message: 'Service temporarily unavailable',
    headers: ['Retry-After'],
  },
  UPSTREAM_TIMEOUT: { when: 'Something that is needed was too slow.', message: 'A dependency did not answer in time' },
};

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(statusOfCode, code);
const errorCodes = Object.keys(statusOfCode).filter(isErrorCode);

/** INVALID_INPUT is InvalidInput in `components`. */
const nameOf = (code: ErrorCode): string =>
  code
    .toLowerCase()
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

function schemaOfError(code: ErrorCode): JsonSchema {
  const { when, message, facts = {}, optionalFacts = {} } = descriptions[code];
  return {
    type: 'object',
    description: when,
    properties: {
      success: { const: false, examples: [false] },
      error: {
        type: 'object',
        properties: {
          code: { const: code, examples: [code] },
          message: text('For people; it may change.', message),
          ...facts,
          ...optionalFacts,
        },
        required: ['code', 'message', ...Object.keys(facts)],
      },
      requestId: text('By which our logs know the request.', 'a2b3c4d5'),
    },
    required: ['success', 'error', 'requestId'],
  };
}

/** The body of each error, by name. */
export const errorSchemas = (): Record<string, JsonSchema> =>
  Object.fromEntries(errorCodes.map((code) => [nameOf(code), schemaOfError(code)]));

/** The answer of each error, by name. */
export const errorResponses = (): Record<string, object> =>
  Object.fromEntries(
    errorCodes.map((code) => {
      const { when, headers = [] } = descriptions[code];
      const schema = { $ref: `#/components/schemas/${nameOf(code)}` };
      const content = { 'application/json': { schema, example: exampleOf(schemaOfError(code)) } };
      return [nameOf(code), { description: when, headers: { ...commonHeaders, ...headerRefs(headers) }, content }];
    }),
  );

/** To the answer of an error in `errorResponses`. */
export const errorReference = (code: ErrorCode) => ({ $ref: `#/components/responses/${nameOf(code)}` });

/** Every error that a route can answer. */
function codesOf({ method, access, isIdempotent = false, takes, operation }: Route): ErrorCode[] {
  const codes: ErrorCode[] = ['INVALID_INPUT', 'RATE_LIMITED', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE'];
  if (access !== 'public') codes.push('UNAUTHORIZED');
  if (access === 'admin') codes.push('FORBIDDEN');
  if (takes.params !== undefined) codes.push('NOT_FOUND');
  if (isChange(method)) codes.push('PRECONDITION_FAILED');
  if (takesBody(method)) codes.push('PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE');
  if (isIdempotent) codes.push('CONFLICT', 'IDEMPOTENCY_KEY_REUSED');
  codes.push(...operation.errors);
  return errorCodes.filter((code) => codes.includes(code));
}

/** References to the answers of every error that a route can answer, by status; 431 is what Node.js's parser refuses. */
export const errorResponsesOf = (route: Route): Record<string, object> => ({
  ...Object.fromEntries(codesOf(route).map((code) => [statusOfCode[code], errorReference(code)])),
  431: errorReference('INVALID_INPUT'),
});
