import { randomUUID } from 'node:crypto';
import type { DomainEvent, EventOf, OrderResource, PaymentResource } from '@shop/common/contracts';
import { createTopology } from '@shop/common/messaging';
import { BrokerConnection } from '@shop/common/rabbitmq';
import { eventually } from '@shop/common/testing';

const ignore = () => undefined;

const envelope = (source: string, subject: string, sequence: number) => ({
  specversion: '1.0' as const,
  id: randomUUID(),
  source,
  subject,
  time: new Date().toISOString(),
  sequence,
});

export const orderChanged = (order: OrderResource, sequence: number): EventOf<'order.status_changed'> => ({
  ...envelope('/order-service', order.id, sequence),
  type: 'order.status_changed',
  data: { ...order, previousStatus: 'pending', reason: null },
});

export const paymentEvent = <T extends 'payment.created' | 'payment.failed' | 'payment.success'>(
  type: T,
  payment: PaymentResource,
  sequence: number,
) => ({ ...envelope('/payment-service', payment.id, sequence), type, data: payment });

export interface EventSource {
  /** Publishes one event after the other, as services do; waits as long as it takes until the broker has them. */
  publish(...events: DomainEvent[]): Promise<void>;
  stop(): Promise<void>;
}

export function createEventSource(brokerUrl: string): EventSource {
  const topology = createTopology({ accessTokenLifetime: 3_600_000 });
  const logger = { error: ignore, warn: ignore, info: ignore, debug: ignore };
  const connection = new BrokerConnection({ url: brokerUrl, name: 'test', topology, logger });
  const publisher = connection.createPublisher('events');
  return {
    publish: async (...events) => {
      for (const event of events) {
        await eventually(() =>
          publisher.publish({
            exchange: topology.broadcastExchange,
            routingKey: event.type,
            body: Buffer.from(JSON.stringify(event)),
            messageId: event.id,
            type: event.type,
            contentType: 'application/cloudevents+json',
            mandatory: false,
          }),
        );
      }
    },
    stop: async () => {
      await publisher.stop();
      await connection.stop();
    },
  };
}
