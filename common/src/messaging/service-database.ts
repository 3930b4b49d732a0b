import { databaseUrlOf, loadSettings } from '../config/index.js';

/** The database of a service, by the settings of its name: ORDER_DATABASE_URL of order-service. Throws SettingsError. */
export function serviceDatabaseUrl(service: string, environment: NodeJS.ProcessEnv): string {
  const [prefix = ''] = service.toUpperCase().split('-');
  const url = `${prefix}_DATABASE_URL`;
  return String(loadSettings({ [url]: databaseUrlOf(prefix) }, environment)[url]);
}
