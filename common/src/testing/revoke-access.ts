import { randomUUID } from 'node:crypto';
import type { Revocation } from '../auth/index.js';
import type { EventOf } from '../contracts/index.js';
import { createTopology } from '../messaging/index.js';
import { BrokerConnection } from '../rabbitmq/index.js';
import { eventually } from './eventually.js';

const ignore = () => undefined;

/** Tells all processes at the broker whose access has ended, as user-service does. They hear of it a little later. */
export async function revokeAccess(
  brokerUrl: string,
  revocations: readonly Revocation[],
  { accessTokenLifetime = 3_600_000 } = {},
): Promise<void> {
  const topology = createTopology({ accessTokenLifetime });
  const logger = { error: ignore, warn: ignore, info: ignore, debug: ignore };
  const connection = new BrokerConnection({ url: brokerUrl, name: 'test', topology, logger });
  const publisher = connection.createPublisher('revoke');
  for (const revocation of revocations) {
    const event: EventOf<'user.access_revoked'> = {
      specversion: '1.0',
      id: randomUUID(),
      source: '/user-service',
      type: 'user.access_revoked',
      subject: revocation.userId,
      time: new Date().toISOString(),
      sequence: 1,
      data: { ...revocation, reason: 'logout' },
    };
    await eventually(() =>
      publisher.publish({
        exchange: topology.exchange,
        routingKey: event.type,
        body: Buffer.from(JSON.stringify(event)),
        messageId: event.id,
        type: event.type,
        contentType: 'application/cloudevents+json',
        mandatory: true,
      }),
    );
  }
  await publisher.stop();
  await connection.stop();
}
