import type { AuditAction, AuditResource } from '../contracts/index.js';
import { pageRules, toPage, toPageRequest, type PageQuery, type PageRequest, type Slice } from './pagination.js';
import { page, type Reply } from './reply.js';
import { route, type Input, type Route } from './route.js';
import { oneOf, optional, queryOf, queryTime, refuseTurnedRange, uuid } from './validation/index.js';

/** Conditions that all entries of a list meet. */
export interface AuditFilters {
  readonly actorId: string | undefined;
  readonly subjectId: string | undefined;
  readonly action: AuditAction | undefined;
  /** Inclusive. */
  readonly from: Date | undefined;
  /** Exclusive. */
  readonly to: Date | undefined;
}

/** An entry as it is stored. */
export type AuditRecord = Omit<AuditResource, 'createdAt'> & { createdAt: Date };

/** The audit trail of a service, newest first. */
export interface AuditTrailReader {
  list(filters: AuditFilters, request: PageRequest): Promise<Slice<AuditRecord>>;
}

const toResource = ({ createdAt, ...record }: AuditRecord): AuditResource => ({
  ...record,
  createdAt: createdAt.toISOString(),
});

/** Where admins read the audit trail. It stands before routes with an id in its place. */
export function auditRoutes(trail: AuditTrailReader, actions: readonly AuditAction[]): readonly Route[] {
  const list = async ({ query }: Input<unknown, AuditFilters & PageQuery>): Promise<Reply> => {
    const { actorId, subjectId, action, from, to, ...asked } = query;
    refuseTurnedRange({ from, to });
    const filters = { actorId, subjectId, action, from, to };
    const request = toPageRequest(asked, filters);
    const { rows, meta } = toPage(await trail.list(filters, request), request, filters);
    return page('Audit trail retrieved', rows.map(toResource), meta);
  };
  const query = queryOf({
    ...pageRules,
    actorId: optional(uuid()),
    subjectId: optional(uuid()),
    action: optional(oneOf(actions)),
    from: optional(queryTime()),
    to: optional(queryTime()),
  });
  return [route({ method: 'GET', path: '/audit', access: 'admin', query, handle: list })];
}
