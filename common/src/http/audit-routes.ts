import { auditActions, auditResource, type AuditResource } from '../contracts/index.js';
import type { AuditFilters, AuditRecord, AuditTrail } from '../database/index.js';
import { toPage, toPageRequest, type PageQuery } from '../paging/index.js';
import { pageRules } from './list-query.js';
import { page, type Reply } from './reply.js';
import { route, type Input, type Route } from './route.js';
import { oneOf, optional, queryOf, queryTime, refuseTurnedRange, uuid } from './validation/index.js';

/** An entry as answers show it. */
export const toAuditResource = ({ createdAt, ...record }: AuditRecord): AuditResource => ({
  ...record,
  createdAt: createdAt.toISOString(),
});

/** Where admins read the audit trail. It stands before routes with an id in its place. */
export function auditRoutes(trail: Pick<AuditTrail, 'list'>, of: keyof typeof auditActions): readonly Route[] {
  const list = async ({ query }: Input<unknown, AuditFilters & PageQuery>): Promise<Reply> => {
    const { actorId, subjectId, action, from, to, ...asked } = query;
    refuseTurnedRange({ from, to });
    const filters = { actorId, subjectId, action, from, to };
    const request = toPageRequest(asked, filters);
    const { rows, meta } = toPage(await trail.list(filters, request), request, filters);
    return page('Audit trail retrieved', rows.map(toAuditResource), meta);
  };
  const query = queryOf({
    ...pageRules,
    actorId: optional(uuid()),
    subjectId: optional(uuid()),
    action: optional(oneOf(auditActions[of])),
    from: optional(queryTime()),
    to: optional(queryTime()),
  });
  const operation = {
    id: `list${of.charAt(0).toUpperCase()}${of.slice(1)}AuditEntries`,
    summary: `List who did what to ${of}s`,
    replies: { 200: { message: 'Audit trail retrieved', list: auditResource } },
    errors: [],
  };
  return [route({ method: 'GET', path: '/audit', access: 'admin', operation, query, handle: list })];
}
