import { Kind, Lexer, Source, TokenKind, getOperationAST, parse, type DocumentNode, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { QueryTooComplex, measure, type Complexity } from './query-complexity.js';

const MAX_TOKENS = 2_000;
const MAX_DIRECTIVES = 50;
const MAX_OPERATIONS = 20;
const MAX_DEPTH = 10;
const MAX_COST = 10_000;
const MAX_ALIASES = 30;
const MAX_LOG_INS = 2;

/** Throws QueryTooComplex. */
function refuseComplex({ depth, cost, aliases, logIns }: Complexity): void {
  if (logIns > MAX_LOG_INS) throw new QueryTooComplex('log-ins');
  if (aliases > MAX_ALIASES) throw new QueryTooComplex('aliases');
  if (depth > MAX_DEPTH) throw new QueryTooComplex('depth');
  if (cost > MAX_COST) throw new QueryTooComplex('cost');
}

/**
 * Counted before parsing, since graphql-js's own limit tells its number, and before validation, which compares directives
 * with each other. Throws QueryTooComplex.
 */
function refuseLong(source: Source): void {
  const lexer = new Lexer(source);
  let tokens = 0;
  let directives = 0;
  for (let token = lexer.advance(); token.kind !== TokenKind.EOF; token = lexer.advance()) {
    if (++tokens > MAX_TOKENS) throw new QueryTooComplex('tokens');
    if (token.kind === TokenKind.AT && ++directives > MAX_DIRECTIVES) throw new QueryTooComplex('directives');
  }
}

/** GraphiQL sends all operations of a tab, of which one is executed. Throws QueryTooComplex. */
function refuseMany(document: DocumentNode): void {
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  if (operations.length > MAX_OPERATIONS) throw new QueryTooComplex('operations');
}

/** Throws QueryTooComplex. */
function refuseCostly(args: unknown): void {
  // Envelop leaves the type of the arguments open, since the executor can be another one than graphql-js.
  const { schema, document, operationName, variableValues } = args as ExecutionArgs;
  const operation = getOperationAST(document, operationName);
  if (operation) refuseComplex(measure({ schema, document, operation, variables: variableValues ?? {} }));
}

/** Refuses queries that ask for too much: their length before they are parsed, all else before they are executed. */
export const useQueryLimits = (): Plugin => ({
  onParse({ setParseFn }) {
    setParseFn((text: string | Source, options?: Parameters<typeof parse>[1]) => {
      const source = typeof text === 'string' ? new Source(text) : text;
      refuseLong(source);
      const document = parse(source, options);
      refuseMany(document);
      return document;
    });
  },
  onExecute({ args }) {
    refuseCostly(args);
  },
  onSubscribe({ args }) {
    refuseCostly(args);
  },
});
