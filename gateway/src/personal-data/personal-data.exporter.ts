import { setTimeout as delay } from 'node:timers/promises';
import { findAppError, InvalidInput, ServiceUnavailable } from '@shop/common/errors';
import { Bulkhead, type FileInput, type JsonFile } from '@shop/common/http';
import { currentScope } from '@shop/common/logger';
import { CallerService } from '../caller-service.js';
import { TimeLimit, type Services } from '../context.js';
import { createClients, perService, type Clients } from '../features.js';
import type { Connection, PageQuery } from '../page.js';
import type { Upstream } from '../upstream-work.js';
import { ExportDocument } from './export-document.js';

/** Of all accounts; each has one at a time. Who comes when there is no room waits for `maxWait` milliseconds. */
const MAX_EXPORTS = 2;
const ROOM = { total: MAX_EXPORTS, perAccount: 1, maxWaiting: { total: 10, perAccount: 1 }, maxWait: 2_000 };
/** Milliseconds for all calls of services together; nginx waits a little longer. */
const TIME_LIMIT = 60_000;
const ROWS_PER_PAGE = 100;
/** Milliseconds, by chance, that are waited beyond what a service asks for. */
const JITTER = 250;

export interface ExporterParts {
  services: Services;
  upstream: Upstream;
  clock?: () => Date;
  timeLimit?: number;
}

type ReadPage = (query: PageQuery) => Promise<Connection<object>>;

/** Nobody waits for the export any more. */
class Abandoned extends Error {}

/**
 * Puts together what all services know of a user. It asks them as the caller, so that they decide who may see what; and it
 * answers nothing before it has everything, so that no half of it passes for the whole.
 */
export class PersonalDataExporter {
  readonly #parts: ExporterParts;
  readonly #room = new Bulkhead(ROOM);

  constructor(parts: ExporterParts) {
    this.#parts = parts;
  }

  export = async ({ actor, token, params, isGone }: FileInput<{ id: string }>): Promise<JsonFile | undefined> => {
    const place = await this.#room.enter(actor.id, 1);
    try {
      const document = await this.#collect(params.id, { accountId: actor.id, token, isGone });
      const fileName = `personal-data-${params.id}.json`;
      return { fileName, chunks: document.chunks, release: () => place.leave() };
    } catch (error) {
      place.leave();
      if (error instanceof Abandoned) return undefined;
      throw error;
    }
  };

  async #collect(
    id: string,
    { accountId, token, isGone }: { accountId: string; token: string; isGone: () => boolean },
  ): Promise<ExportDocument> {
    const { clock = () => new Date(), timeLimit = TIME_LIMIT } = this.#parts;
    const time = new TimeLimit();
    time.start(timeLimit);
    const { users, orders, payments } = this.#clientsOf({ accountId, token, time });
    const ask = <T>(call: () => Promise<T>): Promise<T> => patiently(call, { time, isGone });

    // First of all: it says whether the caller may, and notes who asked.
    const account = await ask(() => users.accountData(id));
    const document = new ExportDocument();
    const head = JSON.stringify({ exportedAt: clock().toISOString(), ...account });
    document.append(`{"success":true,"message":"Personal data exported","data":${head.slice(0, -1)}`);
    const lists: Readonly<Record<string, ReadPage>> = {
      auditEntries: (query) => users.auditEntries(id, query),
      orders: (query) => orders.ofUser(id, query),
      payments: (query) => payments.ofUser(id, query),
    };
    for (const [name, read] of Object.entries(lists)) {
      document.append(`,"${name}":[`);
      let separator = '';
      for await (const rows of pagesOf((query) => ask(() => read(query)))) {
        if (rows.length === 0) continue;
        document.append(separator + JSON.stringify(rows).slice(1, -1));
        separator = ',';
      }
      document.append(']');
    }
    document.append('}}');
    return document;
  }

  #clientsOf({ accountId, token, time }: { accountId: string; token: string; time: TimeLimit }): Clients {
    const { services, upstream } = this.#parts;
    const work = upstream.ofRequest({ accountId, address: currentScope()?.clientAddress }, anySize);
    const calling = { token: () => token, timeLeft: () => time.left(), work };
    return createClients(perService((key) => new CallerService(services[key], calling)));
  }
}

/** The document has a limit of its own. */
const anySize = { refuseMore: () => undefined, addRead: () => undefined };

/** All pages of a list, one after the other. */
async function* pagesOf(read: ReadPage): AsyncGenerator<readonly object[]> {
  let cursor: string | undefined;
  do {
    const { data, pageInfo } = await read({ limit: ROWS_PER_PAGE, offset: undefined, cursor, total: false });
    yield data;
    if (pageInfo.hasMore && pageInfo.nextCursor === null) {
      throw new ServiceUnavailable('A service answered a page without saying where the next one begins');
    }
    cursor = pageInfo.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** Calls a service, and again where the caller has used up what the service allows it: many pages are many requests. */
async function patiently<T>(
  call: () => Promise<T>,
  { time, isGone }: { time: TimeLimit; isGone: () => boolean },
): Promise<T> {
  for (;;) {
    if (isGone()) throw new Abandoned();
    try {
      return await call();
    } catch (error) {
      // The client's request is checked already: this is a version that knows no exports yet.
      if (error instanceof InvalidInput) throw new ServiceUnavailable(undefined, { cause: error });
      const refusal = findAppError(error);
      if (refusal?.code !== 'RATE_LIMITED') throw error;
      const pause = (refusal.retryAfterSeconds ?? 1) * 1_000 + Math.random() * JITTER;
      if (pause >= (time.left() ?? 0)) throw error;
      await delay(pause);
    }
  }
}
