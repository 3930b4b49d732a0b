import { currentScope, runInScope } from '@shop/common/logger';
import type { Tracing } from '@shop/common/tracing';
import { getOperationAST, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { serverFaultOf } from './operation-metrics.js';

/**
 * A span for each query and mutation, named by its type; calls of services are parts of it. Of the document it tells the
 * operation's name alone: values may stand in the rest. https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/
 */
export const useOperationSpans = (tracing: Tracing): Plugin => ({
  onExecute({ executeFn, setExecuteFn }) {
    const scope = currentScope();
    if (scope === undefined) return;
    // Yoga leaves the type of what it calls open.
    const execute = executeFn as (args: ExecutionArgs) => Promise<ExecutionResult>;
    setExecuteFn(async (args: ExecutionArgs) => {
      const operation = getOperationAST(args.document, args.operationName);
      const span = tracing.open({
        name: operation?.operation ?? 'GraphQL',
        kind: 'internal',
        parent: scope.traceparent,
        attributes: {
          'graphql.operation.type': operation?.operation,
          'graphql.operation.name': operation?.name?.value,
        },
      });
      try {
        const result = await runInScope({ ...scope, traceparent: span.traceparent }, () => execute(args));
        span.end({ errorType: serverFaultOf(result.errors ?? []) });
        return result;
      } catch (error) {
        span.end({ errorType: error instanceof Error ? error.name : 'unknown' });
        throw error;
      }
    });
  },
});
