import { z } from 'zod';
import { resourceRegistry } from './resource-registry.js';
import { roles, type Role } from './user.js';

/** What can stand in the audit trail of each service; its database knows the same names. Names are only ever added. */
export const auditActions = {
  user: [
    'user.registered',
    'user.logged_in',
    'user.login_failed',
    'user.logged_out',
    'user.password_changed',
    'user.role_changed',
    'user.activated',
    'user.deactivated',
    'user.updated',
    'user.deleted',
    'user.data_exported',
    'user.anonymised',
    'refresh_token.reused',
  ],
  order: ['order.status_changed', 'order.deleted', 'dead_letter.dropped'],
  payment: [
    'charge.requested',
    'payment.received',
    'refund.requested',
    'refund.succeeded',
    'refund.failed',
    'discrepancy.closed',
    'dead_letter.dropped',
  ],
} as const;
export type AuditAction = (typeof auditActions)[keyof typeof auditActions][number];

const auditSubjectKinds = ['user', 'order', 'payment', 'discrepancy'] as const;
type AuditSubjectKind = (typeof auditSubjectKinds)[number];

/** Small facts about an action. Never a password, a token or what a customer wrote. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface AuditActor {
  readonly id: string;
  readonly role: Role;
}

/** What a write says of who did it; identity, time, address and request are added as it is stored. */
export interface AuditEntry {
  readonly action: AuditAction;
  /** null: the system itself, or nobody known. */
  readonly actor: AuditActor | null;
  /** null: nothing known, such as the account of a login with an unknown address. */
  readonly subject: { readonly kind: AuditSubjectKind; readonly id: string } | null;
  readonly details?: AuditDetails;
}

/** An entry of the audit trail as REST answers carry it. */
export const auditResource = z
  .object({
    id: z.uuid(),
    action: z.string(),
    actorId: z.uuid().nullable(),
    actorRole: z.enum(roles).nullable(),
    subjectKind: z.enum(auditSubjectKinds).nullable(),
    subjectId: z.uuid().nullable(),
    details: z.record(z.string(), z.unknown()),
    clientAddress: z.string().nullable(),
    requestId: z.string().nullable(),
    traceId: z.string().nullable().describe('Of the W3C trace context.'),
    createdAt: z.iso.datetime(),
  })
  .register(resourceRegistry, {
    id: 'AuditEntry',
    description: 'Who did what to whom.',
    example: {
      id: '019a2b3c-7f80-7f60-8a9b-0c1d2e3f4a5b',
      action: 'order.status_changed',
      actorId: '019a2b3c-0000-7000-8000-000000000001',
      actorRole: 'user',
      subjectKind: 'order',
      subjectId: '019a2b3c-4d5e-7f60-8a9b-0c1d2e3f4a5b',
      details: { from: 'pending', to: 'cancelled' },
      clientAddress: '192.0.2.7',
      requestId: 'a2b3c4d5',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      createdAt: '2026-01-31T12:00:00.000Z',
    },
  });
export type AuditResource = z.infer<typeof auditResource>;
