import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** What graphql-js says of values that have the wrong type, as far as it doesn't repeat them. */
const FAULTS_OF_VALUES = [
  /^Field "\w+" of required type "[^"]+" was not provided/,
  /^Field "\w+" is not defined by type "\w+"/,
  /^Expected (?:non-nullable )?type "[^"]+" not to be (?:null|an array)/,
  /^Expected type "\w+" to be an object/,
  /^\w+ cannot represent (?:a |an )?non[- ]?\w+(?: 32-bit signed integer)? value/,
  /^Enum "\w+" cannot represent (?:non-enum|non-string) value/,
];

/** A faulty query may hold a password: its messages go into the logs of whoever asks, and of what lies between. */
function withoutValues(message: string): string {
  const variable = /^Variable "\$\w{1,200}" got invalid value /.exec(message)?.[0];
  if (variable !== undefined) {
    // The reason comes last; what comes before it is the value.
    const reason = message.slice(message.lastIndexOf('; ') + 2);
    const known = FAULTS_OF_VALUES.map((fault) => fault.exec(reason)?.[0]).find((text) => text !== undefined);
    return `${variable.replace(' got invalid value ', ' got an invalid value')}${known === undefined ? '' : `: ${known}`}`;
  }
  if (message.startsWith('Syntax Error: ')) return message.replace(/\b(String|BlockString) ".*$/s, '$1');
  return message
    .replace(/^(\w+(?: "\w+")? cannot represent [^:"]*value): .*$/s, '$1')
    .replace(/^(Expected value of type "[^"]+"), found .*$/s, '$1')
    .replace(/^Value ".*" does not exist in /s, 'The value does not exist in ');
}

/** Says of each error what is left of its message. */
export const rewriteMessages =
  (rewrite: (message: string) => string): NonNullable<Plugin['onExecutionResult']> =>
  (payload) => {
    const { result } = payload;
    if (result === undefined || Array.isArray(result) || !('errors' in result) || !result.errors) return;
    const errors = result.errors.map((error) => {
      const message = rewrite(error.message);
      return message === error.message ? error : new GraphQLError(message, error);
    });
    payload.setResult({ ...result, errors });
  };

/** Keeps what a faulty query holds out of what is said about it. */
export const useSilentErrors = (): Plugin => ({ onExecutionResult: rewriteMessages(withoutValues) });
