// The file .env: made from .env.example when there is none, and given a key pair for access tokens.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { StackError } from './errors.ts';

const ownerOnly = 0o600;

/** Makes .env complete without changing what it says; tells what was done. */
export function completeEnvironmentFile(directory: string): string[] {
  const file = path.join(directory, '.env');
  const done: string[] = [];
  if (!existsSync(file)) {
    copyFileSync(path.join(directory, '.env.example'), file);
    done.push('made .env from .env.example');
  }
  const text = readFileSync(file, 'utf8');
  const completed = fillKeys(text);
  if (completed !== text) {
    writeFileSync(`${file}.new`, completed, { mode: ownerOnly });
    renameSync(`${file}.new`, file);
    done.push('put a fresh key pair for access tokens into .env');
  }
  return done;
}

/** The text with JWT_PRIVATE_KEY and JWT_PUBLIC_KEYS filled in where they are empty. */
export function fillKeys(text: string): string {
  const values = parseEnv(text);
  if (!values.JWT_PRIVATE_KEY && values.JWT_PUBLIC_KEYS) {
    throw new StackError('JWT_PRIVATE_KEY is empty in .env but JWT_PUBLIC_KEYS is not: empty both to get a fresh pair');
  }
  const privateKey = values.JWT_PRIVATE_KEY || freshPrivateKey();
  const completed = values.JWT_PRIVATE_KEY ? text : setVariable(text, 'JWT_PRIVATE_KEY', privateKey);
  return values.JWT_PUBLIC_KEYS ? completed : setVariable(completed, 'JWT_PUBLIC_KEYS', publicKeyOf(privateKey));
}

/** An ES256 key (RFC 7518), as base64 of PKCS#8 in one line. */
function freshPrivateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
}

function publicKeyOf(privateKey: string): string {
  try {
    const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), type: 'pkcs8', format: 'der' });
    return createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64');
  } catch (cause) {
    throw new StackError('JWT_PRIVATE_KEY in .env is not base64 of a PKCS#8 key', { cause });
  }
}

function setVariable(text: string, name: string, value: string): string {
  const line = new RegExp(`^(\\s*(?:export\\s+)?${name}\\s*=).*$`, 'm');
  if (line.test(text)) return text.replace(line, (_line, assignment: string) => assignment.trim() + value);
  return `${text.replace(/\n?$/, '\n')}${name}=${value}\n`;
}
