import type { PublishedEvent } from '@shop/common/messaging';
import type { Metrics } from '@shop/common/metrics';

/** Counts what happened to users, by the events that describe it. */
export function countUserEvents(metrics: Metrics): (event: PublishedEvent) => void {
  const registered = metrics.counter('users_registered_total', 'New accounts');
  return ({ type }) => {
    if (type === 'user.created') registered.inc();
  };
}
