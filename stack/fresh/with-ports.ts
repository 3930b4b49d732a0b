// Runs a command with ports in FRESH_PORTS, one for each setting that names one, as lines NAME=PORT: machines made of folders
// have this machine's network, and no test that runs beside the command is given one of them.
import { spawnSync } from 'node:child_process';
import { reservePorts } from '../ports.ts';
import { portVariables } from '../settings.ts';

const [command = '', ...args] = process.argv.slice(2);
const reserved = await reservePorts(portVariables.length);
const FRESH_PORTS = portVariables.map((name, i) => `${name}=${reserved.ports[i]}`).join('\n');
const { status } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, FRESH_PORTS } });
process.exitCode = status ?? 1;
await reserved.release();
