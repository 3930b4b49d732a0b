import { every } from './prometheus.ts';
import { startSystem } from './start-system.ts';

/** The whole system that the end-to-end tests share. */
export default async function globalSetup(): Promise<void> {
  await startSystem(
    ['chromium'],
    {
      BCRYPT_COST: '4',
      LOG_LEVEL: 'warn',
      GATEWAY_RATE_LIMIT: '10000',
      NEW_QUERY_TIME_PER_CLIENT: '10000/1s',
      NEW_QUERY_TIME_IN_ALL: '10000/1s',
      SERVICE_RATE_LIMIT: '10000',
      // All of them come from one address.
      REGISTRATION_LIMIT: '100000/1h',
      LOGIN_ADDRESS_LIMIT: '100000/1h',
      LOGIN_RATE_LIMIT: '100000/1h',
      REFRESH_LIMIT: '100000/1h',
      NGINX_RATE_LIMIT: '100000',
    },
    { prometheus: { adapt: every(5) } },
  );
}
