import { expect, it } from '@jest/globals';
import {
  getNamedType,
  buildSchema as schemaOf,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  type GraphQLSchema,
} from 'graphql';
import * as contracts from '@shop/common/contracts';
import { z } from 'zod';
import { buildSchema } from './schema.js';

interface Described {
  name: string;
  description?: string | null | undefined;
}

/** Each type, field, argument, input and value of a schema, under its whole name. */
function* partsOf(schema: GraphQLSchema): Generator<[string, Described]> {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    yield [type.name, type];
    if (isEnumType(type)) for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value];
    if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      yield [`${type.name}.${field.name}`, field];
      const args = 'args' in field ? field.args : [];
      for (const argument of args) yield [`${type.name}.${field.name}(${argument.name})`, argument];
    }
  }
}
const undescribedIn = (schema: GraphQLSchema): string[] =>
  [...partsOf(schema)].filter(([, { description }]) => !description?.trim()).map(([name]) => name);

it('the schema -> every type, field, argument, input and value says what it is', () => {
  expect([...partsOf(buildSchema())].length).toBeGreaterThan(150);
  expect(undescribedIn(buildSchema())).toEqual([]);
});

it('a schema that says nothing -> each part of it is named', () => {
  const silent = schemaOf('type Query { a(b: C): D } input C { e: Int } enum D { f }');
  expect(undescribedIn(silent)).toEqual(['Query', 'Query.a', 'Query.a(b)', 'C', 'C.e', 'D', 'D.f']);
});

/** What REST shows of a thing. */
interface Shape {
  properties?: Record<string, Shape>;
  items?: Shape;
  anyOf?: Shape[];
}
/** Shown by REST alone: for admins who look after the system, for a client that ends its logins, and to be saved as a file. */
const onlyRest = ['AccountData', 'AuditEntry', 'Discrepancy', 'PersonalData', 'Session'];

/** Each field of a resource that the type of that name lacks. */
function* missingFrom(schema: GraphQLSchema, typeName: string, { properties, items, anyOf }: Shape): Generator<string> {
  const type = schema.getType(typeName);
  for (const nested of [...(anyOf ?? []), ...(items ? [items] : [])]) yield* missingFrom(schema, typeName, nested);
  for (const [name, shape] of Object.entries(properties ?? {})) {
    const field = isObjectType(type) ? type.getFields()[name] : undefined;
    if (field === undefined) yield `${typeName}.${name}`;
    else yield* missingFrom(schema, getNamedType(field.type).name, shape);
  }
}

const resources = Object.values(contracts).flatMap((one) => {
  const about = one instanceof z.ZodObject ? contracts.resourceRegistry.get(one) : undefined;
  return one instanceof z.ZodObject && about !== undefined ? [{ name: about.id, schema: one }] : [];
});

it('what REST shows of a resource -> its type has each field, or REST alone has it', () => {
  const schema = buildSchema();
  const shown = resources.filter(({ name }) => !onlyRest.includes(name));
  expect(shown.map(({ name }) => name)).toEqual(expect.arrayContaining(['Order', 'Payment', 'Refund', 'User']));
  const missing = shown.flatMap((one) => [...missingFrom(schema, one.name, z.toJSONSchema(one.schema) as Shape)]);
  expect(missing).toEqual([]);
});

it('a field that a type lacks -> is named, also in what it consists of', () => {
  const schema = schemaOf(
    'type Query { a: Book } type Book { title: String, pages: [Page!] } type Page { number: Int }',
  );
  const page = z.object({ number: z.int(), text: z.string() });
  const book = z.object({ title: z.string(), price: z.number(), pages: z.array(page).nullable() });
  expect([...missingFrom(schema, 'Book', z.toJSONSchema(book) as Shape)]).toEqual(['Book.price', 'Page.text']);
});
