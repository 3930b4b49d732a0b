import { statusOfCode } from '@shop/common/http';
import type { Metrics } from '@shop/common/metrics';
import {
  getOperationAST,
  Kind,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';

type Errors = NonNullable<ExecutionResult['errors']>;

/** What is known of a request while it is carried out. */
interface Noted {
  readonly start: number;
  readonly operationName: string | undefined;
  document?: DocumentNode;
}

const serverFaults: ReadonlySet<unknown> = new Set(
  Object.entries(statusOfCode).flatMap(([code, status]) => (status >= 500 ? [code] : [])),
);

/** Fields whose services wait for the payment provider, as their routes do: it decides how long they take. */
const waitForProvider: ReadonlySet<string> = new Set(['processPayment', 'refundPayment']);

/** Counts and times operations: HTTP's own metrics know one route, and 200 whatever the answer says. */
export function useOperationMetrics(metrics: Metrics, schema: GraphQLSchema): Plugin {
  const duration = metrics.durations(
    'graphql_server_operation_duration_seconds',
    'Duration of operations; of subscriptions up to their start. Outcome: ok, refused (the client is to blame), failed',
    ['graphql_operation_type', 'outcome', 'waits_for'],
  );
  const fields = metrics.counter(
    'graphql_server_root_fields_total',
    'Fields of the root types that were asked for; error_type is empty where nothing failed in them',
    ['graphql_operation_type', 'graphql_field_name', 'error_type'],
  );
  const requests = new WeakMap<object, Noted>();

  return {
    onParams({ context, params: { operationName } }) {
      requests.set(context, { start: performance.now(), operationName });
    },
    onParse({ context }) {
      return ({ result }) => {
        const noted = requests.get(context);
        if (noted && isDocument(result)) noted.document = result;
      };
    },
    onExecutionResult({ context, result }) {
      const noted = requests.get(context);
      if (noted === undefined) return;
      const errors = errorsOf(result);
      const operation = noted.document && getOperationAST(noted.document, noted.operationName);
      const type = operation?.operation ?? 'unknown';
      const asked =
        operation && noted.document ? rootFields(operation, noted.document, schema, errors) : new Map<string, string>();
      const waits = [...asked.keys()].some((name) => waitForProvider.has(name));
      duration.observe(
        { graphql_operation_type: type, outcome: outcomeOf(errors), waits_for: waits ? 'provider' : '' },
        (performance.now() - noted.start) / 1_000,
      );
      for (const [name, error] of asked) {
        fields.inc({ graphql_operation_type: type, graphql_field_name: name, error_type: error });
      }
    },
  };
}

const isDocument = (result: unknown): result is DocumentNode =>
  typeof result === 'object' && result !== null && 'kind' in result && result.kind === Kind.DOCUMENT;

const errorsOf = (result: unknown): Errors =>
  !isAsyncIterable(result) && typeof result === 'object' && result !== null && 'errors' in result
    ? ((result as ExecutionResult).errors ?? [])
    : [];

const outcomeOf = (errors: Errors): 'ok' | 'refused' | 'failed' => {
  if (errors.length === 0) return 'ok';
  return serverFaultOf(errors) === undefined ? 'refused' : 'failed';
};

/** The code of the first error that is our fault, or that of a service. */
export const serverFaultOf = (errors: Errors): string | undefined =>
  errors.map(({ extensions }) => extensions.code).find((code): code is string => serverFaults.has(code));

/** The root type's fields that an operation asks for, each with the code of the first error in it, if there is one. */
function rootFields(
  operation: OperationDefinitionNode,
  document: DocumentNode,
  schema: GraphQLSchema,
  errors: Errors,
): Map<string, string> {
  const known = schema.getRootType(operation.operation)?.getFields() ?? {};
  const found = new Map<string, string>();
  // Each once: a few dozen fragments that use each other twice would take far too long.
  const visited = new Set<string>();
  const visit = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        const key = selection.alias?.value ?? name;
        const error = errors.find(({ path }) => path === undefined || path[0] === key)?.extensions.code;
        const isKnown = Object.hasOwn(known, name); // not __typename and its like, nor what a client made up
        if (isKnown && !found.get(name)) found.set(name, typeof error === 'string' ? error : '');
      } else if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet);
      else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value);
        const fragment = document.definitions.find(
          (definition) =>
            definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value,
        );
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) visit(fragment.selectionSet);
      }
    }
  };
  visit(operation.selectionSet);
  return found;
}
