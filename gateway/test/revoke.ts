import { randomUUID } from 'node:crypto';
import type { EventOf } from '@shop/common/contracts';
import { createTopology } from '@shop/common/messaging';
import { BrokerConnection } from '@shop/common/rabbitmq';
import { eventually, type TestBroker } from '@shop/common/testing';

const ignore = () => undefined;

/** Tells all processes at the broker that a log-in has ended, as user-service does. */
export async function revoke(broker: TestBroker, { userId, sid }: { userId: string; sid: string }): Promise<void> {
  const event: EventOf<'user.access_revoked'> = {
    specversion: '1.0',
    id: randomUUID(),
    source: '/user-service',
    type: 'user.access_revoked',
    subject: userId,
    time: new Date().toISOString(),
    sequence: 1,
    data: { userId, sid, reason: 'logout' },
  };
  const topology = createTopology({ accessTokenLifetime: 60_000 });
  const logger = { error: ignore, warn: ignore, info: ignore, debug: ignore };
  const connection = new BrokerConnection({ url: broker.url, name: 'test', topology, logger });
  const publisher = connection.createPublisher('revoke');
  const message = {
    exchange: topology.exchange,
    routingKey: event.type,
    body: Buffer.from(JSON.stringify(event)),
    messageId: event.id,
    type: event.type,
    contentType: 'application/cloudevents+json',
    mandatory: true,
  };
  await eventually(() => publisher.publish(message));
  await publisher.stop();
  await connection.stop();
}
