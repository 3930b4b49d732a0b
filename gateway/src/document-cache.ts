import { TokenKind, type DocumentNode, type Source, type Token } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

/** Bytes that the documents may take which are kept. */
const MAX_BYTES = 32_000_000;
/** Bytes of a token, with the nodes made of it: two thirds of it in most documents. */
const BYTES_PER_TOKEN = 600;
const BYTES_PER_CHARACTER = 2;

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

/**
 * Remembers documents that were parsed and found valid, which takes longer than to execute most of them. Yoga's own cache
 * counts documents, of which one can take a megabyte, and keeps faulty ones with all that is said about them.
 */
export function useDocumentCache(): Plugin {
  const documents = new LRUCache<string, DocumentNode>({ maxSize: MAX_BYTES, sizeCalculation: sizeOf });
  return {
    onParse({ params, setParsedDocument }) {
      const source = params.source as string | Source;
      const document = documents.get(typeof source === 'string' ? source : source.body);
      if (document) setParsedDocument(document);
    },
    onValidate({ params: { documentAST }, setResult }) {
      const document = documentAST as DocumentNode;
      const text = document.loc?.source.body;
      if (text === undefined) return undefined;
      if (documents.peek(text) === document) {
        setResult([]);
        return undefined;
      }
      return ({ valid }) => {
        if (valid) documents.set(text, document);
      };
    },
  };
}
