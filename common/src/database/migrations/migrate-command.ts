import { parseArgs } from 'node:util';
import { runCommand, UsageError, type CommandOutput } from '../../process/index.js';
import { checkMigrations, createMigration } from './draft.js';
import { deployMigrations, migrationStatus, resolveMigration, type MigrationOptions } from './migrate.js';
import { revertMigrations } from './revert.js';
import { prepareRoles, type DatabaseRoles } from './roles.js';

const USAGE = `usage: node migrate-cli.js <command> <service folder>, with DATABASE_URL in the environment, or
its parts DATABASE_HOST, DATABASE_PORT, DATABASE_USER, DATABASE_PASSWORD and DATABASE_NAME. With SUPERUSER and
SUPERUSER_PASSWORD, up first makes that user, the owner, and SERVICE_USER, who has rights on rows alone
  up [NAME]                             apply what is pending, or of it what comes up to NAME
  down [count]                          undo the last migration, or the last few
  status                                compare the database with the folder; exit code 1 unless they agree
  create NAME [--empty]                 write a migration from the changes in schema.prisma (needs no database)
  check                                 are the migrations complete, and up to schema.prisma? (needs no database)
  resolve NAME applied|rolled-back      say what became of a migration that failed`;

interface Invocation {
  directory: string;
  /** The database and the folder. Throws UsageError without a database. */
  options: () => MigrationOptions;
  roles: () => DatabaseRoles | undefined;
  rest: readonly string[];
  empty: boolean;
  stdout: (line: string) => void;
}
/** Answers whether all is well. */
type Command = (invocation: Invocation) => Promise<boolean>;

const list = (names: readonly string[]) => names.join(', ');

const commands: Record<string, Command> = {
  up: async ({ options, roles, rest: [until], stdout }) => {
    const wanted = roles();
    if (wanted) await prepareRoles(wanted);
    const applied = await deployMigrations({ ...options(), until });
    stdout(applied.length > 0 ? `applied ${list(applied)}` : 'nothing to apply');
    return true;
  },
  down: async ({ options, rest: [text = '1'], stdout }) => {
    const count = Number(text);
    if (!Number.isInteger(count) || count < 1) throw new UsageError(`not a count: ${text}`);
    const reverted = await revertMigrations(options(), count);
    stdout(reverted.length > 0 ? `undone ${list(reverted)}` : 'nothing to undo');
    return true;
  },
  status: async ({ options, stdout }) => {
    const { applied, ...differences } = await migrationStatus(options());
    stdout(`${applied.length} applied${applied.length > 0 ? `, last ${applied.at(-1)}` : ''}`);
    const faults = Object.entries(differences).filter(([, names]) => names.length > 0);
    for (const [fault, names] of faults) stdout(`${fault}: ${list(names)}`);
    return faults.length === 0;
  },
  create: async ({ directory, rest: [name], empty, stdout }) => {
    if (!name) throw new UsageError('NAME is missing');
    const folder = await createMigration({ directory, name, empty });
    stdout(folder === undefined ? 'schema.prisma has not changed: nothing to create' : `created ${folder}`);
    return true;
  },
  check: async ({ directory, stdout }) => {
    const faults = await checkMigrations({ directory });
    for (const fault of faults) stdout(fault);
    if (faults.length === 0) stdout('migrations are complete and up to schema.prisma');
    return faults.length === 0;
  },
  resolve: async ({ options, rest: [name, outcome], stdout }) => {
    if (!name || (outcome !== 'applied' && outcome !== 'rolled-back')) {
      throw new UsageError('resolve needs NAME and applied or rolled-back');
    }
    await resolveMigration(options(), name, outcome);
    stdout(`${name} is now marked as ${outcome}`);
    return true;
  },
};

export interface MigrateCommandContext extends CommandOutput {
  /** Throws SettingsError. */
  databaseUrl: () => string;
  /** The roles to make before migrations are applied, if any. Throws SettingsError. */
  roles?: () => DatabaseRoles | undefined;
}

/** Runs one command line and answers its exit code; see runCommand. */
export const runMigrateCommand = (args: string[], context: MigrateCommandContext): Promise<0 | 1 | 2> =>
  runCommand(context, () => {
    const { databaseUrl, roles = () => undefined, stdout } = context;
    const { name, directory, rest, empty } = parse(args);
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command || directory === undefined) throw new UsageError(USAGE);
    const options = () => ({ url: databaseUrl(), directory });
    return command({ directory, options, roles, rest, empty, stdout });
  });

function parse(args: string[]) {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: { empty: { type: 'boolean', default: false } },
    });
    const [name = '', directory, ...rest] = positionals;
    return { name, directory, rest, empty: values.empty };
  } catch (error) {
    throw new UsageError(USAGE, { cause: error });
  }
}
