import type { EventType } from '../contracts/index.js';
import type { StreamQueue, Topology, WorkQueue } from '../rabbitmq/index.js';

/** Milliseconds between the tries of an event: five tries over a minute and a half. */
const RETRY_PAUSES = [1_000, 5_000, 15_000, 60_000];

export interface EventTopology extends Topology {
  readonly orderService: WorkQueue;
  readonly paymentService: WorkQueue;
  readonly revocations: StreamQueue;
}

/**
 * Who hears which events, in one table: every process declares all of it, so that an event waits for a service that has
 * never run. Another set of arguments (pauses apart, which stand in the names) takes another version in a queue's name.
 */
const tableOf = (retryPauses: readonly number[]) => {
  const workQueue = (name: string, routingKeys: readonly EventType[]): WorkQueue => ({
    name,
    routingKeys,
    retryPauses,
  });
  return {
    orderService: workQueue('order-service.v1', ['payment.success', 'payment.refunded']),
    paymentService: workQueue('payment-service.v1', ['order.created', 'order.status_changed']),
  };
};

/** The queue of each service that hears events. */
export const workQueues = (): readonly WorkQueue[] => Object.values(tableOf(RETRY_PAUSES));

/** Everything that a process which publishes or hears events declares. */
export function createTopology({
  accessTokenLifetime,
  retryPauses = RETRY_PAUSES,
}: {
  /** Milliseconds; a revocation is kept twice as long. */
  accessTokenLifetime: number;
  retryPauses?: readonly number[];
}): EventTopology {
  const { orderService, paymentService } = tableOf(retryPauses);
  const revocations: StreamQueue = {
    name: 'auth.revocations',
    routingKeys: ['user.access_revoked'] satisfies EventType[],
    maxAgeSeconds: Math.ceil((2 * accessTokenLifetime) / 1_000),
  };
  return {
    exchange: 'microservices.events',
    workQueues: [orderService, paymentService],
    streams: [revocations],
    orderService,
    paymentService,
    revocations,
  };
}
