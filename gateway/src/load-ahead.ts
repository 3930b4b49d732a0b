import { isObjectType, type GraphQLFieldResolver, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import type { GatewayContext } from './context.js';
import { onRows, selectedFields } from './row-fields.js';

type FieldResolver = GraphQLFieldResolver<unknown, GatewayContext>;

/** The fields of a row that are loaded by an id in it. */
const relationsOf = (row: GraphQLObjectType): ReadonlyMap<string, FieldResolver> =>
  new Map(
    Object.values(row.getFields()).flatMap(({ name, type, args, resolve }) =>
      resolve !== undefined && isObjectType(type) && args.length === 0 ? [[name, resolve]] : [],
    ),
  );

/**
 * Makes a schema load what the rows of a list refer to before it goes through them: their loaders have it at hand then, and
 * no field of a row waits. What fails fails again in each field, from the loader's memory.
 */
export function loadAhead(schema: GraphQLSchema): void {
  onRows(schema, (row) => {
    const relations = relationsOf(row);
    if (relations.size === 0) return undefined;
    return (rows, context, info) => {
      const asked = selectedFields(info, row).flatMap(({ name }) => relations.get(name.value) ?? []);
      const loading = new Set<unknown>();
      for (const parent of rows) {
        for (const resolve of asked) {
          const loaded: unknown = resolve(parent, {}, context, info);
          if (loaded instanceof Promise) loading.add(loaded);
        }
      }
      return loading.size === 0 ? rows : Promise.allSettled(loading).then(() => rows);
    };
  });
}
