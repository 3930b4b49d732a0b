// What of the GraphQL schema has changed so that a client of the released one would break.
import { CriticalityLevel, diff, type Change } from '@graphql-inspector/core';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { isInterfaceType, isObjectType, type GraphQLSchema } from 'graphql';
import type { BreakingChange } from './schema-changes.ts';

export const toSchema = (document: string): GraphQLSchema => makeExecutableSchema({ typeDefs: document });

/** The day that a deprecation names: from then on what is deprecated may be missing. */
const SUNSET = /\bSunset (\d{4}-\d{2}-\d{2})\b/;

/** Why a field is deprecated, by its path such as `Order.notes`. */
function deprecationOf(schema: GraphQLSchema, path = ''): string | undefined {
  const [typeName = '', fieldName = ''] = path.split('.');
  const type = schema.getType(typeName);
  const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[fieldName] : undefined;
  return field?.deprecationReason ?? undefined;
}

function isOver(released: GraphQLSchema, { type, path }: Change, today: string): boolean {
  if (type !== 'FIELD_REMOVED') return false;
  const day = SUNSET.exec(deprecationOf(released, path) ?? '')?.[1];
  return day !== undefined && day <= today;
}

/** `today` as 2026-01-31: what was deprecated in the released schema until a day before it may go. */
export async function graphqlChanges(
  released: GraphQLSchema,
  current: GraphQLSchema,
  today: string,
): Promise<BreakingChange[]> {
  const changes = await diff(released, current);
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .filter((change) => !isOver(released, change, today))
    .map(({ message, path }) => ({ whom: `GraphQL clients that use ${path ?? 'the schema'}`, what: message }));
}
