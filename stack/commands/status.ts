// What runs, and whether it answers.
import { table } from '../addresses.ts';
import { runningState, type Context } from '../context.ts';
import { checkHealth } from '../health.ts';
import { isAlive, memoryOfSession } from '../processes.ts';
import { loadSettings } from '../settings.ts';

const notRunning = 3; // as systemctl and LSB's init scripts have it

/** The processes of the stack. */
export function status(context: Context): number {
  const { output } = context;
  const state = runningState(context);
  if (!state) {
    output.result('not running');
    return notRunning;
  }
  const rows = state.programs.map((program) => {
    const memory = `${Math.round(memoryOfSession(program.pid) / 1024 / 1024)} MB`;
    return [program.name, isAlive(program) ? program.status : 'gone', String(program.pid), memory];
  });
  const phase = state.stopping ? 'stopping' : state.ready ? 'ready' : 'starting';
  const supervisor = ['supervisor', phase, String(state.supervisor.pid), ''];
  for (const line of table([['NAME', 'STATE', 'PID', 'MEMORY'], supervisor, ...rows])) output.result(line);
  return 0;
}

const colours = { healthy: 'green', DEGRADED: 'yellow', DOWN: 'red' } as const;

/** Asks every part of the system whether it is well; 0 when all are, and nothing that they depend on is missing. */
export async function health({ output }: Context): Promise<number> {
  const checks = await checkHealth(loadSettings(), 'up');
  const rows = checks.map(({ name, state, detail }) => [name, state, detail]);
  const [heading, ...lines] = table([['NAME', 'STATE', 'DETAIL'], ...rows]);
  output.result(heading ?? '');
  lines.forEach((line, i) => output.result(output.style(colours[checks[i]?.state ?? 'DOWN'], line, process.stdout)));
  return checks.every(({ state }) => state === 'healthy') ? 0 : 1;
}
