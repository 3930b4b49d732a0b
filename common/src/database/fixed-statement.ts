import type { Sql } from '@prisma/client/runtime/client';
import type { Statement } from './prepared-statements.js';

/** Makes what stands in a statement for something that is read of what the statement is run with. */
export type Given<Input> = (read: (input: Input) => unknown) => symbol;

/**
 * A statement whose SQL is put together once, which for a long one costs more than to send it. What differs from run to run
 * is `given`:
 *
 *     const findByEmail = fixedStatement<string>((given) => sql`SELECT ... WHERE email = ${given((email) => email)}`);
 *     await database.$read(findByEmail(email));
 */
export function fixedStatement<Input>(build: (given: Given<Input>) => Sql): (input: Input) => Statement {
  const readers = new Map<unknown, (input: Input) => unknown>();
  const { text, values } = build((read) => {
    const placeholder = Symbol('given');
    readers.set(placeholder, read);
    return placeholder;
  });
  const parameters = values.map((value) => readers.get(value) ?? (() => value));
  return (input) => ({ text, values: parameters.map((parameter) => parameter(input)) });
}
