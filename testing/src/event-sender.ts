import { randomUUID } from 'node:crypto';
import type { DomainEvent, EventOf } from '@shop/common/contracts';
import { createTopology } from '@shop/common/messaging';
import { BrokerConnection, destinationsOf } from '@shop/common/rabbitmq';
import { eventually } from './eventually.js';

export interface EventSender {
  /** Publishes one event after the other, as a relay does; waits until the broker has them. */
  publish: (...events: readonly DomainEvent[]) => Promise<void>;
  stop: () => Promise<void>;
}

/** That a deleted user's time is over. */
export const userAnonymisedEvent = (userId: string): EventOf<'user.anonymised'> => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/user-service',
  type: 'user.anonymised',
  subject: userId,
  time: new Date().toISOString(),
  sequence: 4,
  data: { userId },
});

const ignore = () => undefined;

/** Stands in for the services that publish events. */
export function createEventSender(brokerUrl: string, { accessTokenLifetime = 3_600_000 } = {}): EventSender {
  const topology = createTopology({ accessTokenLifetime });
  const logger = { error: ignore, warn: ignore, info: ignore, debug: ignore };
  const connection = new BrokerConnection({ url: brokerUrl, name: 'test', topology, logger });
  const publisher = connection.createPublisher('events');
  return {
    publish: async (...events) => {
      for (const event of events) {
        const message = {
          routingKey: event.type,
          body: Buffer.from(JSON.stringify(event)),
          messageId: event.id,
          type: event.type,
          contentType: 'application/cloudevents+json',
        };
        for (const { exchange } of destinationsOf(topology, event.type)) {
          await eventually(() => publisher.publish({ ...message, exchange, mandatory: false }));
        }
      }
    },
    stop: async () => {
      await publisher.stop();
      await connection.stop();
    },
  };
}
