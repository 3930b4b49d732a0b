import type { DiscrepancyResource } from '@shop/common/contracts';
import type { Discrepancy } from './discrepancy.js';

/** A discrepancy as admins see it. */
export const toDiscrepancyResource = ({
  createdAt,
  lastSeenAt,
  closedAt,
  ...facts
}: Discrepancy): DiscrepancyResource => ({
  ...facts,
  status: closedAt === null ? 'open' : 'closed',
  createdAt: createdAt.toISOString(),
  lastSeenAt: lastSeenAt.toISOString(),
  closedAt: closedAt?.toISOString() ?? null,
});
