import { isAsyncIterable, type Plugin } from 'graphql-yoga';

const refusals = {
  subscription:
    'Subscriptions are sent as server-sent events: ask with Accept: text/event-stream (GraphQL over SSE, distinct connections mode)',
  operation: 'The answer is application/graphql-response+json or application/json, of which Accept names neither',
};

/** A client that accepts no form that there is for the answer is told so: Yoga's own 406 has no body. */
export const useNotAcceptable = (): Plugin => ({
  async onResultProcess(process) {
    const { result } = process;
    if (process.resultProcessor !== undefined) return;
    const isSubscription = isAsyncIterable(result);
    // Nobody will read it to its end.
    if (isSubscription) await result[Symbol.asyncIterator]().return?.();
    const message = refusals[isSubscription ? 'subscription' : 'operation'];
    process.setResultProcessor(
      (_, { Response }) =>
        Response.json({ errors: [{ message, extensions: { code: 'NOT_ACCEPTABLE' } }] }, { status: 406 }),
      'application/json',
    );
  },
});
