import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

const INSPECTOR = 'http://127.0.0.1:9229';

interface Answer {
  id?: number;
  result?: { result?: { value?: unknown }; exceptionDetails?: { text: string } };
}

/**
 * Runs JavaScript inside of a Node process, as its debugger would: faults of a process that no request can cause. The
 * debugger is closed again after it.
 */
export async function runInside(pid: number, script: string): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  const socket = await connect();
  const evaluate = async (expression: string): Promise<unknown> => {
    const id = Math.floor(Math.random() * 1e9);
    socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params: { expression, returnByValue: true } }));
    for (;;) {
      const [{ data }] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [{ data: string }];
      const answer = JSON.parse(data) as Answer;
      if (answer.id !== id) continue;
      const { exceptionDetails, result } = answer.result ?? {};
      if (exceptionDetails) throw new Error(exceptionDetails.text);
      return result?.value;
    }
  };
  if ((await evaluate('process.pid')) !== pid) throw new Error('another process is being debugged on this machine');
  await evaluate(`${script}; undefined`);
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'process._debugEnd()' } }));
  socket.close();
}

async function connect(): Promise<WebSocket> {
  for (let tries = 0; ; tries++) {
    try {
      const targets = (await (await fetch(`${INSPECTOR}/json`)).json()) as { webSocketDebuggerUrl: string }[];
      const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '');
      await once(socket, 'open');
      return socket;
    } catch (error) {
      if (tries > 100) throw error;
      await delay(100);
    }
  }
}
