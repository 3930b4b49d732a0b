import type { IncomingMessage } from 'node:http';
import { noteRoute, routeOf } from '@shop/common/http';
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  type ASTVisitor,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Caller } from '../context.js';

/** What Yoga gets of a request by the server that it runs on; nothing in `yoga.fetch`. */
export interface ServerContext {
  readonly req?: IncomingMessage;
  readonly caller?: Caller;
}

/** Subscriptions over HTTP: what Yoga leaves open. */
export const useSubscriptions = (): Plugin<ServerContext, ServerContext> => ({
  onValidate({ addValidationRule }) {
    addValidationRule(UnconditionalSubscriptionRule);
  },
  onSubscribe({ args }) {
    const { req } = args.contextValue;
    // They last as long as the client likes: among the durations of queries they would make nonsense of them.
    if (req) noteRoute(req, `${routeOf(req)} subscription`);
  },
  onResponse({ response: { headers } }) {
    if (headers.get('Content-Type') !== 'text/event-stream') return;
    headers.set('X-Accel-Buffering', 'no');
    headers.delete('Content-Encoding'); // Yoga says `none`, which is no encoding
  },
});

/**
 * The field of a subscription can't be left out: with it nothing would be there to subscribe to, and graphql-js throws.
 * A rule of GraphQL's specification since 2025, which graphql-js 16 doesn't have: 5.2.4.1, "Single Root Field".
 */
function UnconditionalSubscriptionRule(context: ValidationContext): ASTVisitor {
  const check = ({ selections }: SelectionSetNode, seen: Set<string>): void => {
    for (const selection of selections) {
      if (selection.directives?.some(({ name }) => name.value === 'skip' || name.value === 'include')) {
        const message = 'The field of a subscription must not have @skip or @include';
        context.reportError(new GraphQLError(message, { nodes: selection }));
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) check(selection.selectionSet, seen);
      if (selection.kind !== Kind.FRAGMENT_SPREAD || seen.has(selection.name.value)) continue;
      const fragment = context.getFragment(selection.name.value);
      if (fragment) check(fragment.selectionSet, seen.add(selection.name.value));
    }
  };
  return {
    OperationDefinition({ operation, selectionSet }) {
      if (operation === OperationTypeNode.SUBSCRIPTION) check(selectionSet, new Set());
    },
  };
}
