import type { Metrics } from '@shop/common/metrics';
import type { PasswordHasher } from './password-hasher.js';

/** How busy the hashing of passwords is, which bounds how many can log in at a time. */
export function exposeHashing(metrics: Metrics, passwords: Pick<PasswordHasher, 'metrics'>): void {
  metrics.gauge('password_hashing_running', 'Passwords that are being hashed or compared', [], (running) =>
    running.set(passwords.metrics.inside),
  );
  metrics.gauge('password_hashing_waiting', 'Passwords that wait for it', [], (waiting) =>
    waiting.set(passwords.metrics.waiting),
  );
  let counted = 0;
  metrics.counter(
    'password_hashing_refused_total',
    'Passwords that were sent away, since too many waited or it took too long',
    [],
    (total) => {
      const { refused } = passwords.metrics;
      total.inc(refused - counted);
      counted = refused;
    },
  );
}
