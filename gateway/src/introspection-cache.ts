import {
  Kind,
  OperationTypeNode,
  getOperationAST,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type SelectionSetNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';

/** Characters of the answers that are kept. */
const MAX_CHARACTERS = 8_000_000;
const INTROSPECTION = new Set(['__schema', '__type', '__typename']);

/** A result that is written already: Yoga asks it for its text. */
interface WrittenResult extends ExecutionResult {
  stringify: () => string;
}

/**
 * Answers what is asked about the schema once for each document: it is the same for everybody, and as long as the process
 * runs. Making it takes long, and memory for each of its thousands of values.
 */
export const useIntrospectionCache = (): Plugin => {
  const answers = new LRUCache<string, WrittenResult>({
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (answer, key) => key.length + answer.stringify().length,
  });
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { document, operationName } = args as ExecutionArgs; // Envelop leaves them open
      const text = document.loc?.source.body;
      if (text === undefined || !asksForSchemaAlone(document, operationName)) return undefined;
      const key = JSON.stringify([operationName ?? '', text]);
      const known = answers.get(key);
      if (known) {
        setResultAndStopExecution(known);
        return undefined;
      }
      return {
        onExecuteDone({ result, setResult }) {
          const { data, errors } = result as ExecutionResult;
          if (!data || errors) return;
          const written = JSON.stringify({ data });
          const answer = { data: {}, stringify: () => written };
          answers.set(key, answer);
          setResult(answer);
        },
      };
    },
  };
};

/** Whether the answer depends on nothing but the document. */
function asksForSchemaAlone(document: DocumentNode, operationName: ExecutionArgs['operationName']): boolean {
  const operation = getOperationAST(document, operationName);
  if (operation?.operation !== OperationTypeNode.QUERY || operation.variableDefinitions?.length) return false;
  const seen = new Set<string>();
  const isSchemaAlone = ({ selections }: SelectionSetNode): boolean =>
    selections.every((selection) => {
      if (selection.kind === Kind.FIELD) return INTROSPECTION.has(selection.name.value);
      if (selection.kind === Kind.INLINE_FRAGMENT) return isSchemaAlone(selection.selectionSet);
      const name = selection.name.value;
      if (seen.has(name)) return true;
      seen.add(name);
      const fragment = document.definitions.find(
        (part) => part.kind === Kind.FRAGMENT_DEFINITION && part.name.value === name,
      );
      return fragment?.kind === Kind.FRAGMENT_DEFINITION && isSchemaAlone(fragment.selectionSet);
    });
  return isSchemaAlone(operation.selectionSet);
}
