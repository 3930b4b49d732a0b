// Brings a service's database to the version that its code expects, through the project's migration tool.
import path from 'node:path';
import { repository } from './paths.ts';
import { runCommand } from './run-command.ts';

export const migrationTool = path.join(repository, 'common/dist/database/migrate-cli.js');

export interface MigrateOptions {
  service: string;
  /** Of the stack: holds the log. */
  directory: string;
  /** Says where the database is. */
  environment: Record<string, string>;
}

export function migrateUp({ service, directory, environment }: MigrateOptions): Promise<void> {
  return runCommand([process.execPath, migrationTool, 'up', service], {
    directory,
    log: `migrate-${service}`,
    workingDirectory: repository,
    environment,
  });
}
