import {
  GraphQLError,
  Kind,
  TokenKind,
  getOperationAST,
  parse,
  type DocumentNode,
  type GraphQLSchema,
  type SelectionSetNode,
  type Source,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { tokensOf } from './document-cache.js';
import { QueryTooComplex, measure, type Complexity } from './query-complexity.js';

const MAX_TOKENS = 2_000;
const MAX_DIRECTIVES = 50;
const MAX_OPERATIONS = 20;
const MAX_REPEATS = 30;
const MAX_DEPTH = 10;
const MAX_COST = 10_000;
const MAX_ALIASES = 30;
const MAX_LOG_INS = 2;

/** What graphql-js says of too long a document, with its number. */
const TOO_LONG = /^Syntax Error: Document contains more tha[nt] \d+ (?:tokens|comments)/;
/** What it says where fields and fragments take too long to compare with each other. */
const TOO_MUCH_TO_VALIDATE = 'Validation aborted.';

/** Throws QueryTooComplex. */
function refuseComplex({ depth, cost, aliases, logIns }: Complexity): void {
  if (logIns > MAX_LOG_INS) throw new QueryTooComplex('log-ins');
  if (aliases > MAX_ALIASES) throw new QueryTooComplex('aliases');
  if (depth > MAX_DEPTH) throw new QueryTooComplex('depth');
  if (cost > MAX_COST) throw new QueryTooComplex('cost');
}

/** Stops parsing where a document is too long. Throws QueryTooComplex. */
function parseShort(text: string | Source, options?: Parameters<typeof parse>[1]): DocumentNode {
  try {
    return parse(text, { ...options, maxLexicalTokens: MAX_TOKENS, maxComments: MAX_TOKENS });
  } catch (error) {
    if (error instanceof GraphQLError && TOO_LONG.test(error.message)) throw new QueryTooComplex('tokens');
    throw error;
  }
}

/** Fields that stand in a selection already: validation compares each with each, and all that is below them. */
function repeatsIn({ selections }: SelectionSetNode, seen = new Set<string>()): number {
  let repeats = 0;
  for (const selection of selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) continue; // graphql-js compares the same fragments once
    if (selection.kind === Kind.INLINE_FRAGMENT) repeats += repeatsIn(selection.selectionSet, seen);
    else {
      const name = (selection.alias ?? selection.name).value;
      if (seen.has(name)) repeats++;
      seen.add(name);
      if (selection.selectionSet) repeats += repeatsIn(selection.selectionSet);
    }
  }
  return repeats;
}

/** What takes time or memory before anything is executed. GraphiQL sends all operations of a tab. Throws QueryTooComplex. */
function refuseLong(document: DocumentNode): void {
  const tokens = tokensOf(document);
  if (tokens.length > MAX_TOKENS) throw new QueryTooComplex('tokens');
  const directives = tokens.filter(({ kind }) => kind === TokenKind.AT);
  if (directives.length > MAX_DIRECTIVES) throw new QueryTooComplex('directives');
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  if (operations.length > MAX_OPERATIONS) throw new QueryTooComplex('operations');
  const repeats = document.definitions.map((part) => ('selectionSet' in part ? repeatsIn(part.selectionSet) : 0));
  if (repeats.reduce((sum, count) => sum + count, 0) > MAX_REPEATS) throw new QueryTooComplex('repeats');
}

/**
 * Refuses queries that ask for too much, whichever way they come, before the first of them is compared with the schema:
 * validation takes longer than all else. So what is measured may still be nonsense.
 */
export const useQueryLimits = (schema: GraphQLSchema): Plugin => ({
  onParse({ context, setParseFn }) {
    setParseFn((text: string | Source, options?: Parameters<typeof parse>[1]) => {
      const document = parseShort(text, options);
      refuseLong(document);
      return document;
    });
    // A known document as well: how much it asks for depends on its variables.
    return ({ result }) => {
      if (result === null || result instanceof Error) return;
      const document = result as DocumentNode; // Envelop leaves its type open
      const { operationName, variables = {} } = context.params;
      const operation = getOperationAST(document, operationName);
      if (operation) refuseComplex(measure({ schema, document, operation, variables }));
    };
  },
  onValidate() {
    return ({ result, setResult }) => {
      const isAborted = result.some(
        (error: unknown) => error instanceof Error && error.message === TOO_MUCH_TO_VALIDATE,
      );
      if (isAborted) setResult([new QueryTooComplex('validation')]);
    };
  },
});
