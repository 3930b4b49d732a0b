import type { ExecutionResult, GraphQLSchema } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { TooLargeAnswer } from './answer-size.js';
import { onRows, selectedFields } from './row-fields.js';

/** Characters of an answer's names and values. */
const MAX_CHARACTERS = 12_000_000;
/** Of a number, a boolean, null, and the signs around each value. */
const CHARACTERS_OF_VALUE = 8;

/** Makes a schema count the rows of its lists, as they come, with what is asked for of each. */
export function countRows(schema: GraphQLSchema): void {
  onRows(schema, (row) => (rows, context, info) => {
    context.size.addValues(rows.length * selectedFields(info, row).length);
    return rows;
  });
}

/** How many characters are left of so many, once a value is written. */
function leftAfter(value: unknown, left: number): number {
  if (typeof value === 'string') return left - value.length;
  if (typeof value !== 'object' || value === null) return left - CHARACTERS_OF_VALUE;
  if (Array.isArray(value)) {
    for (const item of value) left = leftAfter(item, left);
    return left;
  }
  const fields = value as Record<string, unknown>;
  for (const name of Object.keys(fields)) {
    if (left < 0) return left;
    left = leftAfter(fields[name], left - name.length - CHARACTERS_OF_VALUE);
  }
  return left;
}

/** Refuses to write what has become too long: aliases repeat what was read once. */
export const useAnswerLimit = (): Plugin => ({
  onExecutionResult(payload) {
    const { result } = payload;
    if (result === undefined || Array.isArray(result) || isAsyncIterable(result)) return;
    const { data } = result as ExecutionResult;
    if (data && leftAfter(data, MAX_CHARACTERS) < 0) payload.setResult({ errors: [new TooLargeAnswer()] });
  },
});
