import { startSystem } from '../../support/start-system.ts';

/** The whole system that `make test-security` attacks. Limits of rate would hide what is behind them. */
export default async function globalSetup(): Promise<void> {
  await startSystem(['slowhttptest'], {
    LOG_LEVEL: 'warn',
    // Less than two slow payments take.
    GATEWAY_REQUEST_TIMEOUT: '5s',
    NGINX_RATE_LIMIT: '1000000',
    GATEWAY_RATE_LIMIT: '1000000',
    NEW_QUERY_TIME_PER_CLIENT: '10000/1s',
    NEW_QUERY_TIME_IN_ALL: '10000/1s',
    SERVICE_RATE_LIMIT: '1000000',
    REGISTRATION_LIMIT: '1000000/1h',
    LOGIN_ADDRESS_LIMIT: '1000000/1h',
    LOGIN_ACCOUNT_LIMIT: '1000000/1h',
    LOGIN_LIMIT: '1000000/1h',
    LOGIN_RATE_LIMIT: '1000000/1h',
    PASSWORD_CHANGE_LIMIT: '1000000/1h',
    REFRESH_LIMIT: '1000000/1h',
  });
}
