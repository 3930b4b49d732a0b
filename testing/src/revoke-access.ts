import { randomUUID } from 'node:crypto';
import type { Revocation } from '@shop/common/auth';
import { createEventSender } from './event-sender.js';

/** Tells all processes at the broker whose access has ended, as user-service does. They learn of it a little later. */
export async function revokeAccess(
  brokerUrl: string,
  revocations: readonly Revocation[],
  { accessTokenLifetime = 3_600_000 } = {},
): Promise<void> {
  const sender = createEventSender(brokerUrl, { accessTokenLifetime });
  await sender.publish(
    ...revocations.map((revocation) => ({
      specversion: '1.0' as const,
      id: randomUUID(),
      source: '/user-service',
      type: 'user.access_revoked' as const,
      subject: revocation.userId,
      time: new Date().toISOString(),
      sequence: 1,
      data: { ...revocation, reason: 'logout' as const },
    })),
  );
  await sender.stop();
}
