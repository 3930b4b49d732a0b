// How a command asks the running supervisor to start or stop one of its programs: over a socket in the stack's folder.
import { chmodSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { hasCode, messageOf, StackError } from './errors.ts';

export const programActions = ['start', 'stop', 'restart'] as const;
export type ProgramAction = (typeof programActions)[number];

interface Request {
  action: ProgramAction;
  program: string;
}

interface Reply {
  /** Why it could not be done. */
  error?: string;
}

export interface ControlSocket {
  close(): void;
}

/** Answers the requests of this user's commands, until it is closed. */
export async function openControl(
  directory: string,
  carryOut: (action: ProgramAction, program: string) => Promise<void>,
): Promise<ControlSocket> {
  const answer = async (socket: net.Socket): Promise<void> => {
    let reply: Reply = {};
    try {
      const { action, program } = JSON.parse(await text(socket)) as Request; // of `request` below
      await carryOut(action, program);
    } catch (error) {
      reply = { error: messageOf(error) };
    }
    socket.end(JSON.stringify(reply));
  };
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy()); // whoever asked has gone; what was asked for is done all the same
    void answer(socket);
  });
  rmSync(socketPath(directory), { force: true }); // of a supervisor that was killed: the claim is ours by now
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath(directory), resolve);
  });
  chmodSync(socketPath(directory), 0o600);
  server.unref();
  return { close: () => void server.close() };
}

/** Has the running supervisor of a stack do something, and waits until it is done. Throws a StackError when it can't be. */
export async function request(directory: string, action: ProgramAction, program: string): Promise<void> {
  const socket = net.connect({ path: socketPath(directory), allowHalfOpen: true });
  try {
    socket.end(JSON.stringify({ action, program } satisfies Request));
    const { error } = JSON.parse(await text(socket)) as Reply; // of `openControl` above
    if (error !== undefined) throw new StackError(error);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ECONNREFUSED')) {
      throw new StackError('the supervisor is starting or stopping at this moment: try again');
    }
    throw error;
  }
}

/** Sockets have short names (107 bytes), so from nearby the file goes by its relative path. */
function socketPath(directory: string): string {
  const absolute = path.join(directory, 'control.sock');
  const relative = path.relative(process.cwd(), absolute);
  return relative.length < absolute.length ? relative : absolute;
}
