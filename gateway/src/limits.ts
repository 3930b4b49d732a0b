import { Lexer, Source, TokenKind, getOperationAST, parse, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { QueryTooComplex, measure, type Complexity } from './query-complexity.js';

const MAX_TOKENS = 2_000;
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

/** Counted before parsing, since graphql-js's own limit tells its number. Throws QueryTooComplex. */
function refuseLong(source: Source): void {
  const lexer = new Lexer(source);
  for (let tokens = 0; lexer.advance().kind !== TokenKind.EOF; tokens++) {
    if (tokens >= MAX_TOKENS) throw new QueryTooComplex('tokens');
  }
}

/** Refuses queries that ask for too much: their length before they are parsed, all else before they are executed. */
export const useQueryLimits = (): Plugin => ({
  onParse({ setParseFn }) {
    setParseFn((text: string | Source, options?: Parameters<typeof parse>[1]) => {
      const source = typeof text === 'string' ? new Source(text) : text;
      refuseLong(source);
      return parse(source, options);
    });
  },
  onExecute({ args }) {
    // Envelop leaves the type of the arguments open, since the executor can be another one than graphql-js.
    const { schema, document, operationName, variableValues } = args as ExecutionArgs;
    const operation = getOperationAST(document, operationName);
    if (operation) refuseComplex(measure({ schema, document, operation, variables: variableValues ?? {} }));
  },
});
