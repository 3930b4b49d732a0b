import { personalDataResource } from '@shop/common/contracts';
import { fileRoute, paramsOf, uuid, type Route } from '@shop/common/http';
import type { PersonalDataExporter } from './personal-data.exporter.js';

/** As many requests as it makes of a few hundred rows. */
const COST = 50;

/** What the gateway answers over REST itself, by the path that it stands below: what no service alone can. */
export const personalDataRoutes = (
  exporter: Pick<PersonalDataExporter, 'export'>,
): Readonly<Record<string, readonly Route[]>> => ({
  '/api/v1/users': [
    fileRoute({
      path: '/:id/export',
      access: 'authenticated',
      operation: {
        id: 'exportUser',
        summary: 'Export all that is known of a user',
        description:
          'Of yourself, or of anybody for an admin, as a file: account, audit entries, orders and payments of all services, ' +
          'in one piece or not at all. It counts as 50 requests; an account has one at a time. 409: there is too much for ' +
          'one file. Each export is noted in the audit trail.',
        replies: { 200: { message: 'Personal data exported', data: personalDataResource } },
        errors: ['CONFLICT', 'UPSTREAM_TIMEOUT'],
        hasVersion: false,
      },
      params: paramsOf({ id: uuid() }),
      cost: COST,
      handle: exporter.export,
    }),
  ],
});
