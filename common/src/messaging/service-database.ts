import { databaseUrl, loadSettings } from '../config/index.js';

/** The database of a service, by the settings of its name: ORDER_DATABASE_URL of order-service. Throws SettingsError. */
export function serviceDatabaseUrl(service: string, environment: NodeJS.ProcessEnv): string {
  const [prefix = ''] = service.toUpperCase().split('-');
  const setting = databaseUrl({
    host: `${prefix}_DB_HOST`,
    port: `${prefix}_DB_PORT`,
    user: `${prefix}_DB_USER`,
    password: `${prefix}_DB_PASSWORD`,
    name: `${prefix}_DB_NAME`,
  });
  const url = `${prefix}_DATABASE_URL`;
  return String(loadSettings({ [url]: setting }, environment)[url]);
}
