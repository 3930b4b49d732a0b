import { z } from 'zod';
import { SettingsError } from '../config/index.js';
import { redact } from '../logger/index.js';

/** Where a command writes its lines. */
export interface CommandOutput {
  stdout: (line: string) => void;
  /** Takes what went wrong. */
  stderr: (line: string) => void;
}

/** That of this process. */
export const processOutput: CommandOutput = {
  stdout: (line) => process.stdout.write(`${line}\n`),
  stderr: (line) => process.stderr.write(`${line}\n`),
};

/** A command was called in a wrong way. */
export class UsageError extends Error {}

/** Where a name stands for several addresses, a refused connection has a code and no message. */
const readable = z.object({ message: z.string(), code: z.string().optional() });

/** What an error says, secrets redacted. */
export function messageOf(error: unknown): string {
  const { message = String(error), code } = readable.safeParse(error).data ?? {};
  return String(redact(message || code));
}

/**
 * Runs a command that answers whether all is well, and answers its exit code: 0; 1 where not, or not wholly; 2 for a command
 * line (UsageError) or a setting (SettingsError) that makes no sense.
 */
export async function runCommand({ stderr }: CommandOutput, command: () => Promise<boolean>): Promise<0 | 1 | 2> {
  try {
    return (await command()) ? 0 : 1;
  } catch (error) {
    if (error instanceof SettingsError) for (const fault of error.faults) stderr(`settings: ${fault}`);
    else stderr(messageOf(error));
    return error instanceof UsageError || error instanceof SettingsError ? 2 : 1;
  }
}
