import { NoSchemaIntrospectionCustomRule } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { validateShort } from './limits.js';
import { rewriteMessages } from './without-values.js';

/** Keeps the schema to itself: no introspection, and no "Did you mean" in messages. */
export const useHiddenSchema = (): Plugin => ({
  onValidate({ addValidationRule, setValidationFn }) {
    addValidationRule(NoSchemaIntrospectionCustomRule);
    // They aren't even looked for, which takes most of the time that a faulty query does.
    setValidationFn(validateShort.bind(undefined, { hideSuggestions: true }));
  },
  // Those about variables, which are compared with the schema when the query is executed.
  onExecutionResult: rewriteMessages((message) => message.replace(/ Did you mean .*$/s, '')),
});
