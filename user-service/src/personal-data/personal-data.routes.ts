import { accountDataResource, auditResource } from '@shop/common/contracts';
import { pageRules, queryOf, route, type Route } from '@shop/common/http';
import { userParams } from '../users/user.validator.js';
import type { PersonalDataHandler } from './personal-data.handler.js';

const access = 'authenticated';

/** What this service adds to GET /api/v1/users/:id/export, which the gateway answers. */
export const personalDataRoutes = (personalData: PersonalDataHandler): readonly Route[] => [
  route({
    method: 'GET',
    path: '/:id/personal-data',
    access,
    operation: {
      id: 'getAccountData',
      summary: 'Get what user-service alone knows of a user',
      description: 'Of yourself, or of anybody for an admin. Each request is noted in the audit trail.',
      replies: { 200: { message: 'Account data retrieved', data: accountDataResource } },
      errors: [],
      hasVersion: false,
    },
    params: userParams,
    handle: personalData.export,
  }),
  route({
    method: 'GET',
    path: '/:id/audit',
    access,
    operation: {
      id: 'listAuditEntriesOfUser',
      summary: 'List who did what to a user',
      description: 'To yourself, or to anybody for an admin. From where others did it is left out.',
      replies: { 200: { message: 'Audit entries retrieved', list: auditResource } },
      errors: [],
    },
    params: userParams,
    query: queryOf(pageRules),
    handle: personalData.listAuditEntries,
  }),
];
