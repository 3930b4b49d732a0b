import type { AccountDataResource } from '@shop/common/contracts';
import { ok, page, toAuditResource, type Input, type Reply } from '@shop/common/http';
import { toPage, toPageRequest, type PageQuery } from '@shop/common/paging';
import { toResource } from '../users/user.resource.js';
import type { AccountData, PersonalDataService } from './personal-data.service.js';

interface UserId {
  id: string;
}

export class PersonalDataHandler {
  readonly #personalData: PersonalDataService;

  constructor(personalData: PersonalDataService) {
    this.#personalData = personalData;
  }

  export = async ({ actor, params }: Input<UserId>): Promise<Reply> =>
    ok('Account data retrieved', toAccountData(await this.#personalData.export(actor, params.id)));

  listAuditEntries = async ({ actor, params, query }: Input<UserId, PageQuery>): Promise<Reply> => {
    const list = { about: params.id };
    const request = toPageRequest(query, list);
    const entries = await this.#personalData.listAuditEntries(actor, params.id, request);
    const { rows, meta } = toPage(entries, request, list);
    return page('Audit entries retrieved', rows.map(toAuditResource), meta);
  };
}

const toAccountData = ({ user, sessions }: AccountData): AccountDataResource => ({
  user: toResource(user),
  sessions: sessions.map(({ id, createdAt, expiresAt }) => ({
    id,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  })),
});
