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
  healthy: boolean;
  detail: string;
}

/** Asks every part of the system whether it is well; 0 when all are. */
export async function health({ output }: Context): Promise<number> {
  const settings = loadSettings();
  const host = reachableHost(settings.host);
  const checks = await Promise.all([
    ...serverChecks(settings),
    ...services.map(({ name, portVariable }) => httpCheck(name, `${host}:${settings.ports[portVariable]}`, '/ready')),
    httpCheck('nginx', `${host}:${settings.ports.NGINX_PORT}`, '/health'),
    httpCheck('prometheus', `127.0.0.1:${settings.ports.PROMETHEUS_PORT}`, '/-/ready'),
    portCheck('nginx-log', settings.ports.NGINX_LOG_METRICS_PORT),
  ]);
  const rows = checks.map(({ name, healthy, detail }) => [name, healthy ? 'healthy' : 'DOWN', detail]);
  const [heading, ...lines] = table([['NAME', 'STATE', 'DETAIL'], ...rows]);
  output.result(heading ?? '');
  lines.forEach((line, i) => output.result(output.style(checks[i]?.healthy ? 'green' : 'red', line, process.stdout)));
  return checks.every(({ healthy }) => healthy) ? 0 : 1;
}

function serverChecks({ ports }: Settings): Promise<Check>[] {
  const portOf: Record<string, number | undefined> = { rabbitmq: ports.RABBITMQ_PORT, adminer: ports.ADMINER_PORT };
  for (const { database } of services) if (database) portOf[`postgres-${database.name}`] = ports[database.portVariable];
  return infrastructure.map((name) => portCheck(name, portOf[name] ?? 0));
}

async function portCheck(name: string, port: number): Promise<Check> {
  return { name, healthy: await isListening(port), detail: `port ${port}` };
}

/** A service that answers but waits for something else says so in its readiness; nginx passes on the gateway's health. */
async function httpCheck(name: string, address: string, path: string): Promise<Check> {
  const port = address.slice(address.lastIndexOf(':') + 1);
  try {
    const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(5_000) });
    const detail = `port ${port}: ${response.status} ${(await response.text()).trim().slice(0, 200)}`;
    return { name, healthy: response.ok, detail };
  } catch (error) {
    const reason = error instanceof Error && error.name === 'TimeoutError' ? 'no answer within 5 s' : 'not reachable';
    return { name, healthy: false, detail: `port ${port}: ${reason}` };
  }
}
