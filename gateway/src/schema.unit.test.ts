import { expect, it } from '@jest/globals';
import {
  buildSchema as schemaOf,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  type GraphQLSchema,
} from 'graphql';
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
