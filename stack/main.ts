// The native stack: everything that the system needs, as processes of this machine. `node stack/main.ts` tells the commands.
import { parseArguments, type StackCommand } from './arguments.ts';
import { ensureBuilt } from './build.ts';
import { apiCollection } from './commands/api-collection.ts';
import { apiDocs } from './commands/api-docs.ts';
import { backup, restore } from './commands/backup.ts';
import { certificate } from './commands/certificate.ts';
import { checkLock } from './commands/check-lock.ts';
import { doctor } from './commands/doctor.ts';
import { down, restart } from './commands/down.ts';
import { deadLetters, republish } from './commands/events.ts';
import { logs } from './commands/logs.ts';
import { nginxCommand } from './commands/nginx.ts';
import { packages } from './commands/packages.ts';
import { migrate, run, runScript } from './commands/run.ts';
import { health, status } from './commands/status.ts';
import { printSystemdUnit } from './commands/systemd-unit.ts';
import { testInfrastructure } from './commands/test-infrastructure.ts';
import { up, upDetached } from './commands/up.ts';
import { createContext, type Context } from './context.ts';
import { demo } from './demo/demo.ts';
import { seed } from './demo/seed.ts';
import { checkLimits } from './limits.ts';
import { runMain } from './run-main.ts';

/** Those that need nothing but the context. */
const plainCommands = {
  down,
  restart,
  status,
  health,
  doctor,
  'check-lock': checkLock,
  seed,
  demo,
  'api-collection': apiCollection,
  'api-docs': apiDocs,
  certificate,
  'systemd-unit': printSystemdUnit,
  'test-infrastructure': testInfrastructure,
};

async function execute(command: StackCommand, context: Context): Promise<number> {
  switch (command.command) {
    case 'up':
    case 'infra':
      checkLimits();
      return command.mode === 'detached'
        ? upDetached(command.command, context)
        : up(command.command, command.mode, context);
    case 'logs':
      return logs(command, context);
    case 'run':
      return run(command.service, context);
    case 'script':
      return runScript(command, context);
    case 'migrate':
      return migrate(command.direction, command.services, context);
    case 'dead-letters':
      return deadLetters(command.parameters, context);
    case 'republish':
      return republish(command, context);
    case 'backup':
      return backup(command, context);
    case 'restore':
      return restore(command, context);
    case 'nginx':
      return nginxCommand(command.action, context);
    case 'packages':
      return packages(command.names, context);
    case 'build':
      await context.output.during('build', () => ensureBuilt(context.directory));
      return 0;
    default:
      return plainCommands[command.command](context);
  }
}

await runMain((output) => execute(parseArguments(process.argv.slice(2)), createContext(output)));
