import { everySecond } from './prometheus.ts';
import { startSystem } from './start-system.ts';

/** The whole system that the end-to-end tests share. */
export default async function globalSetup(): Promise<void> {
  await startSystem(
    ['chromium'],
    {
      BCRYPT_COST: '4',
      LOG_LEVEL: 'warn',
      GATEWAY_RATE_LIMIT: '10000',
      SERVICE_RATE_LIMIT: '10000',
      // All of them come from one address.
      REGISTRATION_LIMIT: '100000/1h',
      LOGIN_ADDRESS_LIMIT: '100000/1h',
      LOGIN_RATE_LIMIT: '100000/1h',
      REFRESH_LIMIT: '100000/1h',
      NGINX_RATE_LIMIT: '100000',
    },
    { prometheus: { adapt: everySecond } },
  );
}
