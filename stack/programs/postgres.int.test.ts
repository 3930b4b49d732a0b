import { afterAll, expect, it } from '@jest/globals';
import { startTcpProxy } from '@shop/testing';
import { postgres } from './postgres.ts';

const server = process.env.TEST_POSTGRES_URL ?? '';
const proxy = await startTcpProxy(server);

afterAll(() => proxy.stop());

/** As the server says them: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const readyForQuery = Buffer.from('Z\0\0\0\x05I');
const postmasterExit = Buffer.from('E\0\0\0\x2bSFATAL\0C57P01\0Mterminating connection\0\0');

it('the server dies while it is asked whether it is ready -> asked again later, and nothing ends the stack', async () => {
  const { username: user, password } = new URL(server);
  const program = postgres({
    name: 'postgres',
    dataDirectory: '/nowhere',
    port: Number(new URL(proxy.url).port),
    portVariable: 'USER_DB_PORT',
    user,
    password,
    databases: [],
    environment: {},
  });
  proxy.endAfter(readyForQuery, postmasterExit);
  await program.isReady();
  expect(await program.isReady()).toBe(true);
});
