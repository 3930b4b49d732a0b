// The file .env: made from .env.example when there is none, given the secrets that it lacks, and brought to its present form.
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FILE_SUFFIX, isSecretGiven, readSecret, secretFileOf } from '../common/src/config/secret-file.ts';
import { parseEnvironmentText, readAssignments, setVariable } from './environment-text.ts';
import { hasCode, StackError } from './errors.ts';
import { databaseNames, variablePrefix } from './workspaces.ts';

const ownerOnly = 0o600;

/** Secrets that are made at the first start where they are empty. */
export const madeSecrets: readonly string[] = [
  'POSTGRES_PASSWORD',
  ...databaseNames.map(variablePrefix).flatMap((name) => [`${name}_DB_PASSWORD`, `${name}_DB_OWNER_PASSWORD`]),
  'SIMULATED_PROVIDER_DB_PASSWORD',
  'RABBITMQ_PASSWORD',
];

/** What .env.example said before URLs were made of their parts, each from the variables that it names. */
const earlierUrls: Record<string, string> = {
  USER_DATABASE_URL: 'postgresql://${POSTGRES_USER}:${POSTGRES_PASSWORD}@127.0.0.1:${USER_DB_PORT}/user',
  ORDER_DATABASE_URL: 'postgresql://${POSTGRES_USER}:${POSTGRES_PASSWORD}@127.0.0.1:${ORDER_DB_PORT}/order',
  PAYMENT_DATABASE_URL: 'postgresql://${POSTGRES_USER}:${POSTGRES_PASSWORD}@127.0.0.1:${PAYMENT_DB_PORT}/payment',
  SIMULATED_PROVIDER_DATABASE_URL: '${PAYMENT_DATABASE_URL}',
  RABBITMQ_URL: 'amqp://${RABBITMQ_USER}:${RABBITMQ_PASSWORD}@127.0.0.1:${RABBITMQ_PORT}',
  USER_SERVICE_URL: 'http://127.0.0.1:${USER_SERVICE_PORT}',
  ORDER_SERVICE_URL: 'http://127.0.0.1:${ORDER_SERVICE_PORT}',
  PAYMENT_SERVICE_URL: 'http://127.0.0.1:${PAYMENT_SERVICE_PORT}',
};

/** The text of a file that has to be UTF-8. */
export function readText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    if (!hasCode(cause, 'ERR_ENCODING_INVALID_ENCODED_DATA')) throw cause;
    throw new StackError(`${file} is not text in UTF-8: save it as such`, { cause });
  }
}

/** Makes .env complete without changing what it means; tells what was done. */
export function completeEnvironmentFile(
  directory: string,
  secrets = madeSecrets,
  environment: NodeJS.ProcessEnv = process.env,
): string[] {
  const file = path.join(directory, '.env');
  const example = path.join(directory, '.env.example');
  const isNew = !existsSync(file);
  const before = readText(isNew ? example : file);
  const current = emptyEarlierUrls(before);
  const withKeys = fillKeys(current, environment);
  const completed = fillPasswords(withKeys, secrets, environment);
  if (isNew || completed !== before) {
    const written = `${file}.${process.pid}.new`;
    writeFileSync(written, completed, { mode: ownerOnly });
    if (!isNew) renameSync(written, file);
    else if (!publish(written, file)) return completeEnvironmentFile(directory, secrets, environment);
  }
  const done: string[] = [];
  if (isNew) done.push('made .env from .env.example');
  if (current !== before)
    done.push('emptied the URLs in .env that were made of ${...}: they are now made of their parts');
  if (withKeys !== current) done.push('put a fresh key pair for access tokens into .env');
  if (completed !== withKeys) done.push('put fresh secrets into .env');
  return done;
}

/** Gives a file its name, unless another start has made one by that name meanwhile: its secrets are in use already. */
function publish(written: string, file: string): boolean {
  try {
    linkSync(written, file);
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    return false;
  } finally {
    rmSync(written);
  }
}

function emptyEarlierUrls(text: string): string {
  const earlier = readAssignments(text).filter(({ name, value }) => earlierUrls[name] === value);
  return earlier.reduce((changed, { name }) => setVariable(changed, name, ''), text);
}

/** The text with keys and secrets wherever they are empty or missing. */
export function fillSecrets(text: string): string {
  return fillPasswords(fillKeys(text, {}), madeSecrets, {});
}

/** What a text says, with the paths of secrets' files that the environment names. */
function valuesOf(text: string, environment: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const values = parseEnvironmentText(text);
  const files = Object.entries(environment).filter(([name]) => name.endsWith(FILE_SUFFIX));
  return { ...values, ...Object.fromEntries(files) };
}

/** The text with a secret of 256 bits for each name that has none, neither there nor in a file. */
function fillPasswords(text: string, names: readonly string[], environment: NodeJS.ProcessEnv): string {
  return names.reduce((filled, name) => {
    if (isSecretGiven(name, valuesOf(filled, environment))) return filled;
    return setVariable(filled, name, randomBytes(32).toString('base64url'));
  }, text);
}

/** The text with JWT_PRIVATE_KEY and JWT_PUBLIC_KEYS filled in where they are empty; of a key in a file the public one. */
export function fillKeys(text: string, environment: NodeJS.ProcessEnv = {}): string {
  const values = valuesOf(text, environment);
  if (secretFileOf('JWT_PRIVATE_KEY', values) !== undefined) return fillPublicKey(text, values);
  if (!values.JWT_PRIVATE_KEY && values.JWT_PUBLIC_KEYS) {
    throw new StackError('JWT_PRIVATE_KEY is empty in .env but JWT_PUBLIC_KEYS is not: empty both to get a fresh pair');
  }
  const privateKey = values.JWT_PRIVATE_KEY || freshPrivateKey();
  const completed = values.JWT_PRIVATE_KEY ? text : setVariable(text, 'JWT_PRIVATE_KEY', privateKey);
  return values.JWT_PUBLIC_KEYS ? completed : setVariable(completed, 'JWT_PUBLIC_KEYS', publicKeyOf(privateKey));
}

function fillPublicKey(text: string, values: Record<string, string | undefined>): string {
  if (values.JWT_PUBLIC_KEYS) return text;
  const { text: privateKey = '', suffix, fault } = readSecret('JWT_PRIVATE_KEY', values);
  if (fault !== undefined) throw new StackError(`JWT_PRIVATE_KEY${suffix} ${fault}`);
  return setVariable(text, 'JWT_PUBLIC_KEYS', publicKeyOf(privateKey.trim(), 'the file of JWT_PRIVATE_KEY'));
}

/** An ES256 key (RFC 7518), as base64 of PKCS#8 in one line. */
function freshPrivateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
}

function publicKeyOf(privateKey: string, place = 'JWT_PRIVATE_KEY in .env'): string {
  try {
    const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), type: 'pkcs8', format: 'der' });
    return createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
  } catch (cause) {
    throw new StackError(`${place} is not base64 of a PKCS#8 key`, { cause });
  }
}
