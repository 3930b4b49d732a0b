import type { PublishedEvent } from '@shop/common/messaging';
import type { Metrics } from '@shop/common/metrics';
import { Counter } from 'prom-client';

/** Counts what happened to users, by the events that describe it. */
export function countUserEvents({ registry }: Metrics): (event: PublishedEvent) => void {
  const registered = new Counter({
    name: 'users_registered_total',
    help: 'New accounts',
    registers: [registry],
  });
  return ({ type }) => {
    if (type === 'user.created') registered.inc();
  };
}
