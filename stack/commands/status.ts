// What runs, and whether it answers.
import { table } from '../addresses.ts';
import { runningState, type Context } from '../context.ts';
import { infrastructure, services } from '../parts.ts';
import { isListening } from '../ports.ts';
import { isAlive, memoryOfSession } from '../processes.ts';
import { reachableHost } from '../programs/node-service.ts';
import { loadSettings, type Settings } from '../settings.ts';

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
  const supervisor = ['supervisor', state.ready ? 'ready' : 'starting', String(state.supervisor.pid), ''];
  for (const line of table([['NAME', 'STATE', 'PID', 'MEMORY'], supervisor, ...rows])) output.result(line);
  return 0;
}

interface Check {
  name: string;
  state: 'healthy' | 'DEGRADED' | 'DOWN';
  detail: string;
}

const colours = { healthy: 'green', DEGRADED: 'yellow', DOWN: 'red' } as const;

/** Asks every part of the system whether it is well; 0 when all are, and nothing that they depend on is missing. */
export async function health({ output }: Context): Promise<number> {
  const settings = loadSettings();
  const host = reachableHost(settings.host);
  const checks = await Promise.all([
    ...serverChecks(settings),
    ...services.map(({ name, portVariable }) =>
      httpCheck(name, `${host}:${settings.ports[portVariable]}`, '/ready', isWhole),
    ),
    httpCheck('nginx', `${host}:${settings.ports.NGINX_PORT}`, '/health'),
    httpCheck('prometheus', `127.0.0.1:${settings.ports.PROMETHEUS_PORT}`, '/-/ready'),
    portCheck('nginx-log', settings.ports.NGINX_LOG_METRICS_PORT),
  ]);
  const rows = checks.map(({ name, state, detail }) => [name, state, detail]);
  const [heading, ...lines] = table([['NAME', 'STATE', 'DETAIL'], ...rows]);
  output.result(heading ?? '');
  lines.forEach((line, i) => output.result(output.style(colours[checks[i]?.state ?? 'DOWN'], line, process.stdout)));
  return checks.every(({ state }) => state === 'healthy') ? 0 : 1;
}

function serverChecks({ ports }: Settings): Promise<Check>[] {
  const portOf: Record<string, number | undefined> = { rabbitmq: ports.RABBITMQ_PORT, adminer: ports.ADMINER_PORT };
  for (const { database } of services) if (database) portOf[`postgres-${database.name}`] = ports[database.portVariable];
  return infrastructure.map((name) => portCheck(name, portOf[name] ?? 0));
}

async function portCheck(name: string, port: number): Promise<Check> {
  return { name, state: (await isListening(port)) ? 'healthy' : 'DOWN', detail: `port ${port}` };
}

/** A service that does its work but lacks something says so in its readiness, and what. */
function isWhole(readiness: string): boolean {
  try {
    return (JSON.parse(readiness) as { status?: unknown }).status === 'ok';
  } catch {
    return false; // whatever answers there, it is none of our services
  }
}

/** nginx passes on the gateway's health. */
async function httpCheck(
  name: string,
  address: string,
  path: string,
  isAllThere: (text: string) => boolean = () => true,
): Promise<Check> {
  const port = address.slice(address.lastIndexOf(':') + 1);
  try {
    const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(5_000) });
    const text = (await response.text()).trim();
    const detail = `port ${port}: ${response.status} ${text.slice(0, 200)}`;
    return { name, state: response.ok ? (isAllThere(text) ? 'healthy' : 'DEGRADED') : 'DOWN', detail };
  } catch (error) {
    const reason = error instanceof Error && error.name === 'TimeoutError' ? 'no answer within 5 s' : 'not reachable';
    return { name, state: 'DOWN', detail: `port ${port}: ${reason}` };
  }
}
