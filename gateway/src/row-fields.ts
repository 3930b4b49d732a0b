import { defaultFieldResolver, getNamedType, isListType, isNonNullType, isObjectType } from 'graphql';
import type { FieldNode, GraphQLField, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import type { GatewayContext } from './context.js';
import { fieldsOf } from './page.js';

/** Called with the rows of a list where they come. What it answers takes their place. */
type OnRows = (rows: readonly unknown[], context: GatewayContext, info: GraphQLResolveInfo) => unknown;

/** Calls what `of` answers for a type of rows with the rows of each of its lists; nothing where it answers undefined. */
export function onRows(schema: GraphQLSchema, of: (row: GraphQLObjectType) => OnRows | undefined): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    Object.values(type.getFields()).forEach(observed(of));
  }
}

const observed =
  (of: Parameters<typeof onRows>[1]) =>
  (field: GraphQLField<unknown, GatewayContext>): void => {
    const row = getNamedType(field.type);
    const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
    const observe = isList && isObjectType(row) ? of(row) : undefined;
    if (observe === undefined) return;
    const { resolve = defaultFieldResolver } = field;
    field.resolve = (parent, args: unknown, context, info): unknown => {
      const note = (rows: unknown): unknown => (Array.isArray(rows) ? observe(rows, context, info) : rows);
      const rows: unknown = resolve(parent, args, context, info);
      return rows instanceof Promise ? rows.then(note) : note(rows);
    };
  };

const selections = new WeakMap<readonly FieldNode[], readonly FieldNode[]>();

/** What is asked for of each row: the same for all lists of one field. */
export function selectedFields(info: GraphQLResolveInfo, row: GraphQLObjectType): readonly FieldNode[] {
  const known = selections.get(info.fieldNodes);
  if (known !== undefined) return known;
  const fields = fieldsOf(info, row, info.fieldNodes);
  selections.set(info.fieldNodes, fields);
  return fields;
}
