import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLFieldResolver, GraphQLObjectType, GraphQLSchema } from 'graphql';
import { countRows } from './answer-limit.js';
import type { GatewayContext } from './context.js';
import { readEmptyAsAbsent } from './empty-optionals.js';
import { typeDefs } from './generated/schema.js';
import { resolvers } from './features.js';
import { loadAhead } from './load-ahead.js';

type FieldResolver = GraphQLFieldResolver<unknown, GatewayContext>;

/**
 * The mutations of one request run one after the other, and so do the pushes of a subscription: what each loads must not
 * be from before the last one.
 */
const withFreshLoaders =
  (resolve: FieldResolver): FieldResolver =>
  (parent, args, context, info) => {
    context.loaders = context.createLoaders();
    // Only a subscription has all the time it likes: each push is an answer of its own.
    if (context.time.left() === undefined) context.size.startAgain();
    return resolve(parent, args, context, info);
  };

/** The schema files of all features, with their resolvers. */
export function buildSchema(): GraphQLSchema {
  const schema = makeExecutableSchema<GatewayContext>({
    typeDefs,
    resolvers,
    resolverValidationOptions: { requireResolversToMatchSchema: 'error' },
  });
  for (const field of [...fieldsOf(schema.getMutationType()), ...fieldsOf(schema.getSubscriptionType())]) {
    if (field.resolve === undefined) throw new Error(`${field.name} has no resolver`);
    field.resolve = withFreshLoaders(field.resolve);
  }
  readEmptyAsAbsent(schema);
  countRows(schema);
  loadAhead(schema);
  return schema;
}

const fieldsOf = (type: GraphQLObjectType | null | undefined) => Object.values(type?.getFields() ?? {});
