import { REVOCATION_MARGIN } from '../auth/index.js';
import type { EventType } from '../contracts/index.js';
import type { StreamQueue, Topology, TransientQueue, WorkQueue } from '../rabbitmq/index.js';

/** Milliseconds between the tries of an event: five tries over a minute and a half. */
const RETRY_PAUSES = [1_000, 5_000, 15_000, 60_000];

type ServiceQueues = ReturnType<typeof tableOf>;

/** `orderService`: the queue of order-service, and so on. */
export interface EventTopology extends Topology, ServiceQueues {
  readonly revocations: StreamQueue;
  /** Each gateway process has one while it runs. */
  readonly gatewaySubscriptions: TransientQueue;
}

/**
 * Who consumes which events, in one table: every process declares all of it, so that an event waits for a service that has
 * never run. Another set of arguments (pauses apart, which stand in the names) takes another version in a queue's name.
 */
const tableOf = (retryPauses: readonly number[]) => {
  const workQueue = (service: string, routingKeys: readonly EventType[]): WorkQueue => ({
    name: `${service}.v2`,
    routingKeys,
    retryPauses,
    formerNames: [`${service}.v1`],
  });
  return {
    orderService: workQueue('order-service', [
      'payment.success',
      'payment.expired',
      'payment.refunded',
      'user.anonymised',
    ]),
    paymentService: workQueue('payment-service', ['order.created', 'order.status_changed', 'user.anonymised']),
  };
};

/** The queue of each service that consumes events. */
export const workQueues = (): readonly WorkQueue[] => Object.values(tableOf(RETRY_PAUSES));

/** A consumer that takes nothing for a minute has lost its connection long before, by the heartbeat, and this queue with it. */
const gatewaySubscriptions: TransientQueue = {
  name: 'gateway.subscriptions',
  routingKeys: [
    'order.status_changed',
    'payment.created',
    'payment.processing',
    'payment.success',
    'payment.failed',
    'payment.cancelled',
    'payment.expired',
    'payment.refunded',
  ] satisfies EventType[],
  maxLength: 10_000,
  maxBytes: 16 * 1024 * 1024,
  timeToLive: 60_000,
};

/** Everything that a process which publishes or consumes events declares. */
export function createTopology({
  accessTokenLifetime,
  retryPauses = RETRY_PAUSES,
}: {
  /** Milliseconds; a revocation is kept twice as long, and never shorter than it counts. */
  accessTokenLifetime: number;
  retryPauses?: readonly number[];
}): EventTopology {
  const queues = tableOf(retryPauses);
  const revocations: StreamQueue = {
    name: 'auth.revocations',
    routingKeys: ['user.access_revoked'] satisfies EventType[],
    maxAgeSeconds: Math.ceil((accessTokenLifetime + Math.max(accessTokenLifetime, REVOCATION_MARGIN)) / 1_000),
    maxBytes: 512 * 1024 * 1024,
  };
  return {
    exchange: 'microservices.events',
    workQueues: Object.values(queues),
    streams: [revocations],
    broadcastExchange: 'microservices.broadcasts',
    broadcasts: [gatewaySubscriptions],
    ...queues,
    revocations,
    gatewaySubscriptions,
  };
}
