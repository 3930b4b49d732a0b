// Creates another admin: `create-admin.js --email ADDRESS`, its password asked for or on standard input. Ends with 0 when
// it is created, 1 when it is not.
import { randomUUIDv7 as newId } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { SettingsError } from '@shop/common/config';
import { AtomicStore, createDatabaseAdapter } from '@shop/common/database';
import { AppError, InvalidInput } from '@shop/common/errors';
import { email as emailRule, password as passwordRule, type Rule } from '@shop/common/http';
import { stopInOrder } from '@shop/common/service';
import { redact } from '@shop/common/logger';
import { loadAdminToolConfig } from './config.js';
import { createDatabase } from './database.js';
import { createAdmin } from './users/admins.js';
import { PasswordHasher } from './users/password-hasher.js';
import { UserRepository } from './users/user.repository.js';

/** What passes the rule that requests have to pass, too. Throws InvalidInput. */
function parse(field: string, value: unknown, { check }: Rule<string>): string {
  const result = check(value);
  if ('value' in result) return result.value;
  throw new InvalidInput([{ field, message: result.faults.map(({ message }) => message).join('; ') }]);
}

/** The first line of standard input; on a terminal it is asked for and not shown. */
async function readPassword(): Promise<string> {
  const { isTTY } = process.stdin;
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (isTTY) process.stderr.write('Password: ');
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: isTTY });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
    if (isTTY) process.stderr.write('\n');
  }
}

async function create(): Promise<string> {
  const { values } = parseArgs({ options: { email: { type: 'string' } } });
  const email = parse('email', values.email, emailRule());
  const password = parse('password', await readPassword(), passwordRule());
  const { databaseUrl, bcryptCost } = loadAdminToolConfig(process.env);
  const database = createDatabase(
    createDatabaseAdapter({ url: databaseUrl, poolSize: 1, applicationName: 'create-admin' }),
  );
  const passwords = new PasswordHasher({ cost: bcryptCost });
  // The relay of the running service finds the event by itself.
  const store = new AtomicStore({ client: database, onCommit: () => undefined });
  try {
    const users = new UserRepository({ database, store });
    await createAdmin({ email, password, users, passwords, newId, clock: () => new Date() });
    return email;
  } finally {
    await stopInOrder([() => passwords.close(), () => database.$disconnect()]);
  }
}

try {
  process.stdout.write(`admin ${await create()} created\n`);
} catch (error) {
  const faults =
    error instanceof SettingsError
      ? error.faults.map((fault) => `settings: ${fault}`)
      : error instanceof InvalidInput
        ? error.fields.map(({ field, message }) => `${field}: ${message}`)
        : [`not created: ${error instanceof AppError ? error.message : String(redact(String(error)))}`];
  process.stderr.write(`${faults.join('\n')}\n`);
  process.exitCode = 1;
}
