import { isAsyncIterable, type Plugin } from 'graphql-yoga';

const JSON_TYPE = 'application/json';
const GRAPHQL_JSON = 'application/graphql-response+json';

const refusals = {
  subscription:
    'Subscriptions are sent as server-sent events: ask with Accept: text/event-stream (GraphQL over SSE, distinct connections mode)',
  operation: 'The answer is application/graphql-response+json or application/json, of which Accept names neither',
};

type Process = Parameters<NonNullable<Plugin['onResultProcess']>>[0];

/** A client that accepts no form that there is for the answer learns so: Yoga's own 406 has no body. */
export const useNotAcceptable = (): Plugin => ({
  // Not async: nearly every answer has its form, and Yoga waits for no promise where there is none.
  onResultProcess: (process) => (process.resultProcessor === undefined ? refuse(process) : undefined),
});

async function refuse(process: Process): Promise<void> {
  const { result, request } = process;
  const isSubscription = isAsyncIterable(result);
  // Nobody will read it to its end.
  if (isSubscription) await result[Symbol.asyncIterator]().return?.();
  const message = refusals[isSubscription ? 'subscription' : 'operation'];
  const accepted = request.headers.get('accept') ?? '';
  const type = accepted.includes(GRAPHQL_JSON) ? GRAPHQL_JSON : JSON_TYPE;
  // As for every faulty query: clients read errors of any status in GraphQL's own media type, in JSON those of a 200.
  const status = type === JSON_TYPE && accepted.includes(JSON_TYPE) ? 200 : 406;
  process.setResultProcessor((_, { Response }) => {
    const headers = { 'Content-Type': `${type}; charset=utf-8` };
    return new Response(JSON.stringify({ errors: [{ message, extensions: { code: 'NOT_ACCEPTABLE' } }] }), {
      status,
      headers,
    });
  }, type);
}
