import { z } from 'zod';
import { auditResource } from './audit.js';
import { orderResource } from './order.js';
import { paymentResource } from './payment.js';
import { exampleOf, resourceRegistry } from './resource-registry.js';
import { userResource } from './user.js';

const activeSession = z.object({ id: z.uuid(), createdAt: z.iso.datetime(), expiresAt: z.iso.datetime() });

/** What user-service alone knows of a user. */
export const accountDataResource = z
  .object({
    user: userResource,
    sessions: z.array(activeSession).describe('Logins that go on, newest first; their ids stand in the audit trail.'),
  })
  .register(resourceRegistry, {
    id: 'AccountData',
    description: 'A user and its logins.',
    example: {
      user: exampleOf(userResource),
      sessions: [
        {
          id: '019a2b3c-1f80-7f60-8a9b-0c1d2e3f4a5b',
          createdAt: '2026-01-31T12:00:00.000Z',
          expiresAt: '2026-05-01T12:00:00.000Z',
        },
      ],
    },
  });
export type AccountDataResource = z.infer<typeof accountDataResource>;

/** What all services know of a user, each list newest first. */
export const personalDataResource = accountDataResource
  .extend({
    exportedAt: z.iso.datetime(),
    auditEntries: z.array(auditResource).describe('Who did what to the account.'),
    orders: z.array(orderResource).describe('With their `statusHistory`.'),
    payments: z.array(paymentResource).describe('With their `refunds`.'),
  })
  .register(resourceRegistry, {
    id: 'PersonalData',
    description: 'What all services know of a user.',
    example: {
      ...exampleOf(accountDataResource),
      exportedAt: '2026-02-01T12:00:00.000Z',
      auditEntries: [exampleOf(auditResource)],
      orders: [exampleOf(orderResource)],
      payments: [exampleOf(paymentResource)],
    },
  });
