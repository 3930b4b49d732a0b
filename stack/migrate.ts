// Brings a service's database to the version that its code expects, through the project's migration tool.
import path from 'node:path';
import { confine } from './confinement.ts';
import { repository } from './paths.ts';
import { asServiceUser } from './programs/node-service.ts';
import { runCommand } from './run-command.ts';

export const migrationTool = path.join(repository, 'common/dist/database/migrate-cli.js');

export interface MigrateOptions {
  service: string;
  /** Of the stack: holds the log. */
  directory: string;
  /** Says where the database is. */
  environment: Record<string, string>;
  /** The last migration to apply; all of them if not given. */
  until?: string;
}

export function migrateUp({ service, directory, environment, until }: MigrateOptions): Promise<void> {
  const { argv, ...confined } = confine(
    {
      argv: [process.execPath, migrationTool, 'up', service, ...(until === undefined ? [] : [until])],
      environment,
      directory: repository,
      ...asServiceUser(service, directory),
    },
    directory,
  );
  return runCommand(argv, {
    directory,
    log: `migrate-${service}`,
    workingDirectory: confined.directory,
    environment,
    uid: confined.uid,
    gid: confined.gid,
  });
}
