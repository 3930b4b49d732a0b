import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  type GraphQLField,
  type GraphQLInputType,
} from 'graphql';
import { hostileFields } from '@shop/testing';
import { createTestGateway, type TestGateway } from '../test/test-gateway.js';
import { buildSchema } from './schema.js';

const mutations = Object.values(buildSchema().getMutationType()!.getFields());
/** Names that can stand in a document. */
const hostileArguments = hostileFields.filter(([name]) => /^[A-Za-z]\w*$/.test(name));

const scalars: Record<string, unknown> = { Boolean: true, Float: 1.5, ID: randomUUID(), Int: 1, String: 'USD' };

/** What a client could send for a type. Each input object in it has these fields too, unless they are its own. */
function exampleOf(type: GraphQLInputType, further: readonly (readonly [string, unknown])[] = []): unknown {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return [exampleOf(nullable.ofType, further)];
  if (isEnumType(nullable)) return nullable.getValues()[0]!.name;
  if (!isInputObjectType(nullable)) return scalars[nullable.name];
  const own = Object.values(nullable.getFields()).map((field) => [field.name, exampleOf(field.type, further)] as const);
  return Object.fromEntries([...further, ...own]);
}

type Mutation = GraphQLField<unknown, unknown>;

const argumentsOf = ({ args }: Mutation, further: readonly (readonly [string, unknown])[] = []) =>
  Object.fromEntries(args.map((one) => [one.name, exampleOf(one.type, further)]));

/** A document with a variable for each argument. */
function documentOf({ name, args, type }: Mutation, furtherArguments = ''): string {
  const variables = args.map((one) => `$${one.name}: ${String(one.type)}`).join(', ');
  const given = [...args.map((one) => `${one.name}: $${one.name}`), furtherArguments].filter(Boolean).join(', ');
  const selection = isLeafType(getNamedType(type)) ? '' : ' { __typename }';
  return `mutation${variables && ` (${variables})`} { ${name}${given && `(${given})`}${selection} }`;
}

let gateway: TestGateway;
let token: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  token = gateway.tokens.tokenFor({ role: 'admin' });
});
beforeEach(() => gateway.reset());
afterAll(() => gateway.stop());

describe.each(mutations.map((mutation) => [mutation.name, mutation] as const))('%s', (_name, mutation) => {
  it('with what it takes -> asked of a service', async () => {
    await gateway.ask(documentOf(mutation), { token, variables: argumentsOf(mutation) });
    expect(gateway.calls()).toHaveLength(1);
  });

  it('with an argument that it has no business to set -> refused', async () => {
    for (const [name] of hostileArguments.filter(([one]) => !mutation.args.some((own) => own.name === one))) {
      const { errors } = await gateway.ask(documentOf(mutation, `${name}: "hostile"`), {
        token,
        variables: argumentsOf(mutation),
      });
      expect(errors?.map(({ message }) => message)).toEqual([expect.stringContaining(`Unknown argument "${name}"`)]);
    }
    expect(gateway.calls()).toEqual([]);
  });
});

const withInput = mutations.filter(({ args }) => args.some(({ type }) => isInputObjectType(getNamedType(type))));

it('inputs that take such a field by right -> these alone', () => {
  const byRight = withInput.flatMap(({ args }) =>
    args.flatMap(({ type }) => {
      const input = getNamedType(type);
      return isInputObjectType(input)
        ? hostileFields
            .filter(([name]) => Object.hasOwn(input.getFields(), name))
            .map(([name]) => `${input.name}.${name}`)
        : [];
    }),
  );
  expect(byRight.toSorted()).toEqual([
    'CreateOrderInput.currency',
    'CreatePaymentInput.amount',
    'CreatePaymentInput.currency',
    'CreatePaymentInput.orderId',
    'LoginInput.email',
    'LoginInput.password',
    'RegisterInput.email',
    'RegisterInput.password',
  ]);
});

describe.each(withInput.map((mutation) => [mutation.name, mutation] as const))("%s's input", (_name, mutation) => {
  const plain = argumentsOf(mutation);
  const cases = hostileFields
    .map((field) => [field[0], argumentsOf(mutation, [field])] as const)
    .filter(([, variables]) => !isDeepStrictEqual(variables, plain));

  it.each(cases)('with %s -> refused', async (_field, variables) => {
    const { status, errors } = await gateway.ask(documentOf(mutation), { token, variables });
    expect(errors?.[0]!.message).toMatch(/is not defined by type|got an invalid value/);
    expect(status).toBeLessThan(500);
    expect(gateway.calls()).toEqual([]);
  });
});
