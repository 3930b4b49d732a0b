import type { AttackedRoute, JsonValue } from '@shop/testing';
import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';

const ID = '0199a000-0000-7000-8000-000000000000';
const samples: Readonly<Record<string, JsonValue>> = { ID, String: 'text', Int: 5, Float: 1.5, Boolean: true };

/** A value that the type takes, with all that is optional. */
function sampleOf(given: GraphQLInputType): JsonValue {
  const type = getNullableType(given);
  if (isListType(type)) return [sampleOf(type.ofType)];
  if (isEnumType(type)) return type.getValues()[0]?.name ?? null;
  if (isInputObjectType(type)) {
    return Object.fromEntries(Object.values(type.getFields()).map((field) => [field.name, sampleOf(field.type)]));
  }
  return samples[type.name] ?? null;
}

const selectionOf = (type: GraphQLOutputType): string => (isLeafType(getNamedType(type)) ? '' : '{ __typename }');

function toRequest(kind: 'query' | 'mutation', { name, args, type }: GraphQLField<unknown, unknown>) {
  const definitions = args.map((argument) => `$${argument.name}: ${argument.type.toString()}`).join(', ');
  const given = args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
  const variables = Object.fromEntries(args.map((argument) => [argument.name, sampleOf(argument.type)]));
  const query =
    args.length === 0
      ? `${kind} O { ${name} ${selectionOf(type)} }`
      : `${kind} O(${definitions}) { ${name}(${given}) ${selectionOf(type)} }`;
  return { query, variables, operationName: 'O', extensions: { persisted: false } };
}

/** Every query and mutation of a schema with all its arguments, as requests to the gateway. */
export const attackedOperations = (schema: GraphQLSchema, headers: Readonly<Record<string, string>>): AttackedRoute[] =>
  (['query', 'mutation'] as const).flatMap((kind) =>
    Object.values((kind === 'query' ? schema.getQueryType() : schema.getMutationType())?.getFields() ?? {}).map(
      (field) => ({ method: 'POST', path: '/graphql', headers, body: toRequest(kind, field) }),
    ),
  );

/** What the gateway answers apart from GraphQL itself. */
export const attackedPages: AttackedRoute[] = [
  {
    method: 'GET',
    path: '/graphql',
    headers: {},
    query: { query: '{ __typename }', variables: '{}', operationName: 'O' },
  },
  { method: 'GET', path: '/', headers: { Accept: 'text/html' } },
  { method: 'GET', path: '/health', headers: {} },
  { method: 'GET', path: '/ready', headers: {} },
];
