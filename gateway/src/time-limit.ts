import type { Plugin } from 'graphql-yoga';
import type { GatewayContext } from './context.js';

/**
 * Ends the calls of services that a query or mutation makes after `requestTimeout` milliseconds in all: without it, thirty
 * mutations could wait for a slow service one after the other. What is missing then is answered with UPSTREAM_TIMEOUT.
 */
export const useTimeLimit = (requestTimeout: number): Plugin<GatewayContext> => ({
  onExecute({ args }) {
    args.contextValue.time.start(requestTimeout);
  },
});
