export { checkMigrations, createMigration, type MigrationDraft } from './draft.js';
export {
  deployMigrations,
  MigrationFailed,
  migrationStatus,
  resolveMigration,
  type MigrationOptions,
  type MigrationStatus,
} from './migrate.js';
export { revertMigrations } from './revert.js';
