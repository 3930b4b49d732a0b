import { findAppError } from '@shop/common/errors';
import { clientKey, statusOfCode } from '@shop/common/http';
import { currentScope } from '@shop/common/logger';
import {
  GraphQLError,
  TokenKind,
  type DocumentNode,
  type Source,
  type Token,
  type parse,
  type validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { DocumentBudget } from './document-budget.js';
import type { ServerContext } from './subscriptions/use-subscriptions.js';

/** Bytes that the documents may take which are kept. */
const MAX_BYTES = 32_000_000;
/** Bytes of a token, with the nodes made of it: two thirds of it in most documents. */
const BYTES_PER_TOKEN = 600;
const BYTES_PER_CHARACTER = 2;
/** A longer body takes time whatever its document is: its variables are compared with their types. */
const LARGE_BODY = 10_000;

/** All tokens of a document, comments among them: the document keeps each in memory. */
export function tokensOf({ loc }: DocumentNode): Token[] {
  const tokens: Token[] = [];
  for (let token = loc?.startToken; token; token = token.next ?? undefined) {
    if (token.kind !== TokenKind.SOF && token.kind !== TokenKind.EOF) tokens.push(token);
  }
  return tokens;
}

const sizeOf = (document: DocumentNode, text: string): number =>
  1 + text.length * BYTES_PER_CHARACTER + tokensOf(document).length * BYTES_PER_TOKEN;

/** Whose time is taken. */
const clientOf = ({ caller }: ServerContext): string =>
  clientKey({ accountId: caller?.actor?.id, address: currentScope()?.clientAddress });

const isLarge = ({ headers }: Request): boolean =>
  Number(headers.get('content-length')) > LARGE_BODY || headers.get('transfer-encoding') !== null;

/** A refusal of the whole request, with the status and the header that REST gives it. */
function asRefusal(error: unknown): unknown {
  const expected = findAppError(error);
  if (expected === undefined) return error;
  const { code, message, retryAfterSeconds } = expected;
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { 'retry-after': retryAfterSeconds.toString() };
  const extensions = { http: { status: statusOfCode[code], headers } };
  return new GraphQLError(message, { originalError: expected, extensions });
}

/**
 * Remembers documents that were parsed and found valid, which takes longer than to execute most of them; the time for all
 * others is taken from the budget. Yoga's own cache counts documents, of which one can take a megabyte, and keeps faulty
 * ones with all that is said about them.
 */
export function useDocumentCache(budget: DocumentBudget): Plugin<ServerContext, ServerContext> {
  const documents = new LRUCache<string, DocumentNode>({ maxSize: MAX_BYTES, sizeCalculation: sizeOf });
  /** Those whose time is taken, by their context. */
  const charged = new WeakMap<object, string>();
  return {
    onParse({ context, params, parseFn, setParseFn, setParsedDocument }) {
      const source = params.source as string | Source;
      const document = documents.get(typeof source === 'string' ? source : source.body);
      if (document) setParsedDocument(document);
      if (document && !isLarge(context.request)) return;
      const client = clientOf(context);
      try {
        budget.admit(client);
      } catch (error) {
        throw asRefusal(error);
      }
      charged.set(context, client);
      const parseAll = parseFn as typeof parse; // Envelop leaves its type open
      setParseFn((...parts: Parameters<typeof parse>) => budget.charge(client, () => parseAll(...parts)));
    },
    onValidate({ context, params: { documentAST }, validateFn, setValidationFn, setResult }) {
      const document = documentAST as DocumentNode;
      const text = document.loc?.source.body;
      if (text === undefined) return undefined;
      if (documents.peek(text) === document) {
        setResult([]);
        return undefined;
      }
      const client = charged.get(context);
      if (client !== undefined) {
        const validateAll = validateFn as typeof validate;
        setValidationFn((...parts: Parameters<typeof validate>) => budget.charge(client, () => validateAll(...parts)));
      }
      return ({ valid }) => {
        if (valid) documents.set(text, document);
      };
    },
    onExecute({ args, executeFn, setExecuteFn }) {
      const client = charged.get(args.contextValue);
      // Until it waits for something: variables are compared with their types, and the schema answers for itself.
      if (client !== undefined)
        setExecuteFn((given): unknown => budget.charge(client, (): unknown => executeFn(given)));
    },
  };
}
