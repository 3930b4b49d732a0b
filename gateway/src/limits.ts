import {
  getOperationAST,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type Source,
  type parse,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { parseShort, refuseLong } from './document-size.js';
import { QueryTooComplex, measure, type Complexity, type Operation } from './query-complexity.js';

const MAX_DEPTH = 10;
const MAX_COST = 10_000;
const MAX_ALIASES = 30;
const MAX_LOGINS = 2;
const MAX_SCHEMAS = 1;
const MAX_TYPES = 5;
/** Lists taken to be of ten, GraphiQL's own query, which asks for all there is, comes to 52,000. */
const MAX_INTROSPECTION = 60_000;
/** Errors that are worth reading. Each is located and written again on its way out. */
const MAX_ERRORS = 20;

/** What graphql-js says where fields and fragments take too long to compare with each other. */
const TOO_MUCH_TO_VALIDATE = 'Validation aborted.';

/** graphql-js' own validation, which gives up after the first errors. */
export const validateShort = (
  hints: { hideSuggestions: boolean },
  ...[schema, document, rules]: Parameters<typeof validate>
): ReturnType<typeof validate> => validate(schema, document, rules, { ...hints, maxErrors: MAX_ERRORS });

/** Throws QueryTooComplex. */
function refuseComplex({ depth, cost, aliases, logins, schemas, types, introspection }: Complexity): void {
  if (schemas > MAX_SCHEMAS || types > MAX_TYPES || introspection > MAX_INTROSPECTION) {
    throw new QueryTooComplex('introspection');
  }
  if (logins > MAX_LOGINS) throw new QueryTooComplex('logins');
  if (aliases > MAX_ALIASES) throw new QueryTooComplex('aliases');
  if (depth > MAX_DEPTH) throw new QueryTooComplex('depth');
  if (cost > MAX_COST) throw new QueryTooComplex('cost');
}

/**
 * Refuses queries that ask for too much, whichever way they come, before the first of them is compared with the schema:
 * validation takes longer than all else. So what is measured may still be nonsense.
 */
export const useQueryLimits = (schema: GraphQLSchema): Plugin => {
  /** Of operations without variables: those of a document that is kept ask for the same each time. */
  const known = new WeakMap<OperationDefinitionNode, Complexity>();
  const complexityOf = (asked: Operation): Complexity => {
    const complexity = known.get(asked.operation) ?? measure(asked);
    if (!asked.operation.variableDefinitions?.length) known.set(asked.operation, complexity);
    return complexity;
  };
  return {
    onParse({ context, setParseFn }) {
      setParseFn((text: string | Source, options?: Parameters<typeof parse>[1]) => {
        const document = parseShort(text, options);
        refuseLong(document);
        return document;
      });
      // A known document as well: how much it asks for may depend on its variables.
      return ({ result }) => {
        if (result === null || result instanceof Error) return;
        const document = result as DocumentNode; // Envelop leaves its type open
        const { operationName, variables = {} } = context.params;
        const operation = getOperationAST(document, operationName);
        if (operation) refuseComplex(complexityOf({ schema, document, operation, variables }));
      };
    },
    onValidate({ setValidationFn }) {
      setValidationFn(validateShort.bind(undefined, { hideSuggestions: false }));
      return ({ result, setResult }) => {
        const isAborted = result.some(
          (error: unknown) => error instanceof Error && error.message === TOO_MUCH_TO_VALIDATE,
        );
        if (isAborted) setResult([new QueryTooComplex('validation')]);
      };
    },
  };
};
