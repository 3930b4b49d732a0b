// Imports nothing of this project, so that the stack's runner can use it before anything is built.
import { readFileSync, statSync } from 'node:fs';

/** Bytes that a secret's file may have: a path that leads elsewhere is noticed before it is read. */
const MAX_FILE_BYTES = 65_536;

/** What the name of a variable ends with that holds the path of a secret's file, as in `JWT_PRIVATE_KEY_FILE`. */
export const FILE_SUFFIX = '_FILE';

/** What was given for a secret. */
export interface GivenSecret {
  /** Of the variable that it comes from, behind the secret's name. */
  suffix: '' | typeof FILE_SUFFIX;
  /** undefined: it was not given. */
  text?: string | undefined;
  /** Why it can't be taken, as the end of a sentence that begins with the variable. */
  fault?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The file that a secret is said to be in. An empty variable counts as unset. */
export const secretFileOf = (name: string, environment: Environment): string | undefined =>
  environment[name + FILE_SUFFIX]?.trim() || undefined;

/** Whether a secret was given, in its variable or in a file. */
export const isSecretGiven = (name: string, environment: Environment): boolean =>
  Boolean(environment[name]) || secretFileOf(name, environment) !== undefined;

/** The text of a secret, from its variable or from the file that `NAME_FILE` names, without the newline at its end. */
export function readSecret(name: string, environment: Environment): GivenSecret {
  const text = environment[name];
  const file = secretFileOf(name, environment);
  if (file === undefined) return { suffix: '', text };
  if (text) return { suffix: FILE_SUFFIX, fault: 'is set, and so is the variable without _FILE: empty one of the two' };
  return { suffix: FILE_SUFFIX, ...readSecretFile(file) };
}

function readSecretFile(file: string): { text: string } | { fault: string } {
  try {
    const status = statSync(file);
    if (!status.isFile()) return { fault: 'names something that is not a file' };
    if (status.size > MAX_FILE_BYTES) return { fault: `names a file of over ${MAX_FILE_BYTES} bytes` };
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)).replace(/\r?\n$/, '');
    return text === '' ? { fault: 'names a file that is empty' } : { text };
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (typeof code !== 'string') throw error;
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { fault: 'names a file that is not text in UTF-8' };
    return { fault: `names a file that can't be read (${code})` };
  }
}
