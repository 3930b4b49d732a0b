import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Apollo's clients may send a query's hash in its place; to this very message they answer with the query, from then on. */
export const useNoPersistedQueries = (): Plugin => ({
  onParams({ params: { query, extensions } }) {
    if (query || extensions?.persistedQuery === undefined) return;
    throw new GraphQLError('PersistedQueryNotSupported', {
      extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', http: { status: 200 } },
    });
  },
});
