import {
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  defaultFieldResolver,
  type ExecutionResult,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
} from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import { TooLargeAnswer } from './answer-size.js';
import type { GatewayContext } from './context.js';
import { fieldsOf } from './page.js';

/** Characters of an answer's names and values. */
const MAX_CHARACTERS = 12_000_000;
/** Of a number, a boolean, null, and the signs around each value. */
const CHARACTERS_OF_VALUE = 8;

const widths = new WeakMap<readonly FieldNode[], number>();

/** How many values of each row are asked for: the same for all lists of one field. */
function widthOf(info: GraphQLResolveInfo, type: GraphQLObjectType): number {
  const known = widths.get(info.fieldNodes);
  if (known !== undefined) return known;
  const width = fieldsOf(info, type, info.fieldNodes).length;
  widths.set(info.fieldNodes, width);
  return width;
}

/** Makes a schema count the rows of its lists, as they come, with what is asked for of each. */
export function countRows(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const row = getNamedType(field.type);
      const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
      if (!isList || !isObjectType(row)) continue;
      const { resolve = defaultFieldResolver } = field;
      field.resolve = (parent, args: unknown, context: GatewayContext, info): unknown => {
        const count = (rows: unknown): unknown => {
          if (Array.isArray(rows)) context.size.addValues(rows.length * widthOf(info, row));
          return rows;
        };
        const rows: unknown = resolve(parent, args, context, info);
        return rows instanceof Promise ? rows.then(count) : count(rows);
      };
    }
  }
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
