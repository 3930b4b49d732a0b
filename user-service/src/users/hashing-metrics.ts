import type { Metrics } from '@shop/common/metrics';
import { Counter, Gauge } from 'prom-client';
import type { PasswordHasher } from './password-hasher.js';

/** How busy the hashing of passwords is, which bounds how many can log in at a time. */
export function exposeHashing({ registry }: Metrics, passwords: Pick<PasswordHasher, 'metrics'>): void {
  new Gauge({
    name: 'password_hashing_running',
    help: 'Passwords that are being hashed or compared',
    registers: [registry],
    collect() {
      this.set(passwords.metrics.inside);
    },
  });
  new Gauge({
    name: 'password_hashing_waiting',
    help: 'Passwords that wait for it',
    registers: [registry],
    collect() {
      this.set(passwords.metrics.waiting);
    },
  });
  let counted = 0;
  new Counter({
    name: 'password_hashing_refused_total',
    help: 'Passwords that were sent away, since too many waited or it took too long',
    registers: [registry],
    collect() {
      const { refused } = passwords.metrics;
      this.inc(refused - counted);
      counted = refused;
    },
  });
}
