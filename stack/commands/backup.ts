// Backups: all databases written to a folder, and brought back from it. The same for servers in containers.
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { PUBLISHED_RETENTION_DAYS } from '../../common/src/config/published-retention.ts';
import { runningDatabases } from '../backup/connections.ts';
import { emptyQueues } from '../backup/empty-queues.ts';
import { holdsBackup, type Manifest } from '../backup/manifest.ts';
import { restoreBackup } from '../backup/restore-backup.ts';
import { writeBackup } from '../backup/write-backup.ts';
import { ensureBuilt } from '../build.ts';
import { settle, type Context } from '../context.ts';
import { repository } from '../paths.ts';
import { requireRunning } from './run.ts';

/** As `backup` names them; what else is there is nobody's to remove. */
const folderName = /^\d{4}-\d{2}-\d{2}T\d{6}Z$/;
const day = 86_400_000;

/** To a folder of its own, or to a new one below BACKUP_DIR. */
export async function backup(
  { to, keep }: { to: string | undefined; keep: number | undefined },
  context: Context,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const sources = await runningDatabases(settle(context));
  const parent = path.resolve(repository, environment.BACKUP_DIR || 'backups');
  const time = new Date().toISOString().replace(/:|\.\d+/g, '');
  const folder = to === undefined ? path.join(parent, time) : path.resolve(repository, to);
  const written = await context.output.during('backup', () => writeBackup(sources, folder));
  context.output.result(`${folder}: ${summary(written)}`);
  if (keep !== undefined)
    for (const removed of removeOlder(parent, keep)) context.output.progress(`removed ${removed}`);
  return 0;
}

function summary({ databases, bytes, startedAt, finishedAt }: Manifest): string {
  const rows = databases.flatMap(({ tables }) => tables).reduce((sum, table) => sum + table.rows, 0);
  const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000;
  const size = bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  return `${databases.map(({ name }) => name).join(', ')}; ${rows} rows, ${size}, ${seconds.toFixed(1)} s`;
}

/** All but the newest backups; none that is not whole counts. Answers their folders. */
export function removeOlder(parent: string, keep: number): string[] {
  const names = readdirSync(parent).filter((name) => folderName.test(name) && holdsBackup(path.join(parent, name)));
  const older = names.toSorted().slice(0, -keep);
  return older.map((name) => {
    const folder = path.join(parent, name);
    rmSync(folder, { recursive: true });
    return folder;
  });
}

export async function restore(
  { from, replace }: { from: string; replace: boolean },
  context: Context,
): Promise<number> {
  const { output, directory } = context;
  const settings = settle(context);
  const ownBroker = !settings.variables.RABBITMQ_URL;
  await requireRunning(ownBroker ? ['RABBITMQ_PORT'] : [], settings);
  const sources = await runningDatabases(settings);
  await output.during('build', () => ensureBuilt(directory));
  const folder = path.resolve(repository, from);
  const options = { sources, folder, settings, directory, replace };
  const restored = await output.during('restore', () => restoreBackup(options));
  if (ownBroker)
    output.progress(`${await emptyQueues(settings)} messages of RabbitMQ removed: they are of another time`);
  else
    output.progress('RABBITMQ_URL is a broker elsewhere: remove the messages of its queues, they are of another time');
  output.result(nextSteps(restored));
  return 0;
}

function nextSteps(manifest: Manifest): string {
  const taken = manifest.databases.map(({ takenAt }) => Date.parse(takenAt));
  const since = new Date(Math.min(...taken) - PUBLISHED_RETENTION_DAYS * day).toISOString();
  const make = process.env.STACK === 'docker' ? 'STACK=docker make' : 'make';
  return [
    `The databases are as of ${manifest.databases[0]?.takenAt}. What they held before is beside them, as ..._before_restore. Now:`,
    `  ${make} down && ${make} up-d`,
    `  ${make} republish SINCE=${since}`,
    `  ${make} reconcile`,
  ].join('\n');
}
