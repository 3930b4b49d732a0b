import { connectEngine } from './engine-connection.js';
import { isLockTimeout, retryLockTimeouts } from './locks.js';
import { migrationList, migrationNames } from './migration-folder.js';
import { everything, type MigrationList, type SchemaEngine, withEngine } from './schema-engine.js';

export interface MigrationOptions {
  /** The database. */
  url: string;
  /** The service's folder, which holds `prisma/schema.prisma` and `prisma/migrations/`. */
  directory: string;
  /** How long to wait for another migration; a minute if not given. */
  lockTimeoutMs?: number;
}

export interface DeployOptions extends MigrationOptions {
  /** The last one to apply; all of them if not given. */
  until?: string | undefined;
}

/** A migration that ended with an error, now or at an earlier attempt. PostgreSQL has rolled it back. */
export class MigrationFailed extends Error {
  override readonly name = 'MigrationFailed';

  constructor(
    readonly migration: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `migration ${migration} failed${reason}. Nothing more is applied until it is resolved: ` +
        `"resolve ${migration} rolled-back" has it tried again, "resolve ${migration} applied" takes it as done`,
      options,
    );
  }
}

const diagnose = (engine: SchemaEngine, migrationsList: MigrationList) =>
  engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters: everything });

/**
 * Applies what is pending, oldest first, and returns the names. Each migration is one transaction, which is tried again
 * while it can't have a table; of several processes that start at once one applies, the others wait. Throws
 * MigrationFailed, again and again until `resolveMigration`.
 */
export async function deployMigrations({ url, directory, lockTimeoutMs, until }: DeployOptions): Promise<string[]> {
  const migrationsList = await migrationList(directory, until);
  return withEngine(await connectEngine(url, lockTimeoutMs), async (engine) => {
    const [failedEarlier] = (await diagnose(engine, migrationsList)).failedMigrationNames;
    if (failedEarlier !== undefined) throw new MigrationFailed(failedEarlier, ' at an earlier attempt');
    const pending = unappliedNames(await diagnose(engine, migrationsList));
    await retryLockTimeouts(async () => {
      try {
        await engine.applyMigrations({ migrationsList, filters: everything });
      } catch (error) {
        const [failed] = (await diagnose(engine, migrationsList)).failedMigrationNames;
        if (failed === undefined) throw error;
        if (isLockTimeout(error)) await engine.markMigrationRolledBack({ migrationName: failed });
        // The engine adds a trace of its own sources to what PostgreSQL said.
        const reason = /ERROR: (.*)/.exec(String(error))?.[1] ?? String(error);
        throw new MigrationFailed(failed, ` (${reason})`, { cause: error });
      }
    });
    return pending;
  });
}

const unappliedNames = ({ history }: Awaited<ReturnType<typeof diagnose>>): string[] =>
  history && 'unappliedMigrationNames' in history ? history.unappliedMigrationNames : [];

/** Names of migrations by what became of them; each list oldest first. */
export interface MigrationStatus {
  applied: string[];
  pending: string[];
  /** Ended with an error; blocks all others until resolved. */
  failed: string[];
  /** Applied, and their migration.sql was changed afterwards. */
  edited: string[];
  /** Applied, and their folder is gone. */
  missing: string[];
}

/** What the database has, compared with the folder. */
export async function migrationStatus({ url, directory, lockTimeoutMs }: MigrationOptions): Promise<MigrationStatus> {
  const migrationsList = await migrationList(directory);
  const diagnosis = await withEngine(await connectEngine(url, lockTimeoutMs), (engine) =>
    diagnose(engine, migrationsList),
  );
  const { history, failedMigrationNames, editedMigrationNames } = diagnosis;
  const failed = new Set(failedMigrationNames);
  const unapplied = new Set(unappliedNames(diagnosis));
  const names = migrationsList.migrationDirectories.map((migration) => migration.path);
  return {
    applied: names.filter((name) => !unapplied.has(name) && !failed.has(name)),
    pending: names.filter((name) => unapplied.has(name) && !failed.has(name)),
    failed: [...failed],
    edited: editedMigrationNames,
    missing: history && 'unpersistedMigrationNames' in history ? history.unpersistedMigrationNames : [],
  };
}

/**
 * Says what became of a failed migration, which PostgreSQL alone knows for sure: `rolled-back` (the rule: it is tried
 * again by the next deploy) or `applied` (it did commit, or was completed by hand).
 */
export async function resolveMigration(
  { url, directory, lockTimeoutMs }: MigrationOptions,
  migrationName: string,
  outcome: 'applied' | 'rolled-back',
): Promise<void> {
  const names = await migrationNames(directory);
  if (!names.includes(migrationName)) throw new Error(`there is no migration ${migrationName} in ${directory}`);
  const migrationsList = await migrationList(directory);
  await withEngine<unknown>(await connectEngine(url, lockTimeoutMs), (engine) =>
    outcome === 'applied'
      ? engine.markMigrationApplied({ migrationName, migrationsList })
      : engine.markMigrationRolledBack({ migrationName }),
  );
}
