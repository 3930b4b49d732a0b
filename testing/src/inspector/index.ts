// A client of Node's inspector, for what no request can make a process do or say.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

export interface Inspector {
  /** A method of the Chrome DevTools Protocol, such as `Profiler.start`. */
  call: (method: string, params?: object) => Promise<unknown>;
  /** The value of an expression inside of the process. Throws what it throws. */
  evaluate: (expression: string) => Promise<unknown>;
  /** The process listens no more afterwards. */
  close: () => Promise<void>;
}

const TRIES = 100;
const PAUSE = 100;
const ANSWER_TIMEOUT = 60_000;

const targets = z.array(z.object({ webSocketDebuggerUrl: z.string() }));
const answer = z.object({ id: z.number(), result: z.unknown() });
const evaluation = z.object({
  result: z.object({ value: z.unknown().optional() }).optional(),
  exceptionDetails: z.object({ text: z.string() }).optional(),
});

/** Has a Node process listen for its inspector, at the port of its `--inspect-port`. Throws where another process has it. */
export async function openInspector(pid: number, port = 9229): Promise<Inspector> {
  process.kill(pid, 'SIGUSR1');
  const socket = await connect(`http://127.0.0.1:${port}/json`);
  let calls = 0;
  const call = async (method: string, params = {}): Promise<unknown> => {
    const id = ++calls;
    socket.send(JSON.stringify({ id, method, params }));
    for (;;) {
      const message: unknown = (await once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_TIMEOUT) }))[0];
      const parsed = answer.safeParse(message instanceof MessageEvent ? JSON.parse(String(message.data)) : undefined);
      if (parsed.success && parsed.data.id === id) return parsed.data.result;
    }
  };
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = evaluation.parse(
      await call('Runtime.evaluate', { expression, returnByValue: true }),
    );
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result?.value;
  };
  const close = async (): Promise<void> => {
    await evaluate('setTimeout(() => process._debugEnd(), 100); undefined');
    socket.close();
  };
  if ((await evaluate('process.pid')) === pid) return { call, evaluate, close };
  socket.close();
  throw new Error(`another process than ${pid} is being debugged at port ${port}`);
}

async function connect(url: string): Promise<WebSocket> {
  for (let tries = 0; ; tries++) {
    try {
      const [target] = targets.parse(await (await fetch(url)).json());
      const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
      await once(socket, 'open');
      return socket;
    } catch (error) {
      if (tries === TRIES) throw error;
      await delay(PAUSE);
    }
  }
}
