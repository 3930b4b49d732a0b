import { beforeAll, expect, it } from '@jest/globals';
import { buildSchema, getNamedType, isInputObjectType, type GraphQLInputType } from 'graphql';
import { z } from 'zod';
import { urls } from './support/system.js';

/** Which operation of REST a mutation is sent to. */
const operations: Record<string, string> = {
  register: 'register',
  login: 'login',
  refreshToken: 'refreshTokens',
  changePassword: 'changePassword',
  updateUser: 'updateUser',
  createOrder: 'placeOrder',
  updateOrderStatus: 'changeOrderStatus',
  createPayment: 'createPayment',
  processPayment: 'processPayment',
  refundPayment: 'refundPayment',
};
const withoutBody = ['logout', 'deleteUser'];

const served = z.object({ components: z.object({ schemas: z.record(z.string(), z.unknown()) }) });
const described = z.object({ properties: z.record(z.string(), z.unknown()) });
const listed = z.object({ items: described });

/** The names of all fields, with those of what they consist of. */
function bodyFields(schema: unknown, path = ''): string[] {
  const { properties = {} } = described.safeParse(schema).data ?? listed.safeParse(schema).data?.items ?? {};
  return Object.entries(properties).flatMap(([name, one]) => [`${path}${name}`, ...bodyFields(one, `${path}${name}.`)]);
}
function inputFields(input: GraphQLInputType, path = ''): string[] {
  const type = getNamedType(input);
  const fields = isInputObjectType(type) ? Object.values(type.getFields()) : [];
  return fields.flatMap((one) => [`${path}${one.name}`, ...inputFields(one.type, `${path}${one.name}.`)]);
}

let bodies: Record<string, unknown>;
let mutations: { name: string; fields: string[] }[];

beforeAll(async () => {
  bodies = served.parse(await (await fetch(`${urls.nginx}/openapi.json`)).json()).components.schemas;
  const schema = buildSchema(await (await fetch(`${urls.gateway}/schema.graphql`)).text());
  mutations = Object.values(schema.getMutationType()?.getFields() ?? {}).map(({ name, args }) => ({
    name,
    fields: args.flatMap((one) => (one.name === 'input' ? inputFields(one.type) : one.name === 'id' ? [] : [one.name])),
  }));
});

it('a mutation -> takes each field that the body of its REST operation may have', () => {
  const bodyOf = (name: string) => {
    const operation = operations[name] ?? '';
    return bodies[`${operation.charAt(0).toUpperCase()}${operation.slice(1)}Request`];
  };
  const taken = Object.fromEntries(mutations.map(({ name, fields }) => [name, fields.toSorted()]));
  const expected = Object.fromEntries(mutations.map(({ name }) => [name, bodyFields(bodyOf(name)).toSorted()]));
  expect(taken).toEqual(expected);
  expect(Object.keys(taken).toSorted()).toEqual([...Object.keys(operations), ...withoutBody].toSorted());
});
