import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { startStack } from './start-stack.ts';
import { newTestDirectory } from './test-directories.ts';

const failed = async (environment: Record<string, string>): Promise<{ message: string; made: string[] }> => {
  const directory = newTestDirectory();
  const error: unknown = await startStack({ directory, environment }).then(
    (stack) => stack.stop(),
    (reason: unknown) => reason,
  );
  const made = existsSync(directory) ? readdirSync(directory) : [];
  return { message: error instanceof Error ? error.message : 'started', made };
};

describe('a start with settings that are refused', () => {
  it.each([
    ['by several services', { JWT_EXPIRES_IN: 'soon', ORDER_PAYMENT_WINDOW: '-1m' }],
    ['in production, by services and migrations', { NODE_ENV: 'production', PAYMENT_DB_OWNER_PASSWORD: 'short' }],
  ])('%s -> one line with all of them, before any server starts', async (_, environment) => {
    const { message, made } = await failed(environment);
    const [line] = message.split('\n');
    for (const name of Object.keys(environment).filter((name) => name !== 'NODE_ENV')) expect(line).toContain(name);
    expect(line).toContain('mend it in .env');
    expect(made.filter((name) => /postgres|rabbitmq|prometheus/.test(name))).toEqual([]);
  });
});
