import type { Request, RequestHandler, Response } from 'express';
import { Bulkhead, type Admit, type Place } from './bulkhead.js';
import { rowsWanted } from './list-query.js';
import type { Counts } from '../process/index.js';
import { clientKey, clientOf, RateCounter } from './rate-limit.js';

/** Bytes up to which nothing is asked: a page of a hundred ordinary orders has 60 kB. */
const SMALL = 100_000;
/** Rows, and beyond SMALL bytes, for which a request counts as one more. */
const ROWS_PER_UNIT = 10;
const BYTES_PER_UNIT = 20_000;
const MAX_ROW_UNITS = 100;
/** In bytes of JSON; while it is worked on each takes about ten of memory. */
const ROOM = {
  total: 24_000_000,
  perAccount: 4_000_000,
  maxWaiting: { total: 200, perAccount: 20 },
  maxWait: 2_000,
};
/** An answer that is made is only one buffer, until its client has taken it. */
const PART_OF_SENT = 1 / 4;

/**
 * What one client may ask of a service at a time. A request counts as one, and as more by the rows that it asks for and the
 * bytes that go in or out; large ones have a room of their own, of which no account gets more than its share.
 */
export class Admission {
  readonly #rate: RateCounter;
  readonly #room = new Bulkhead(ROOM);

  constructor({ requestsPerSecond, counts }: { requestsPerSecond: number; counts: Counts | undefined }) {
    this.#rate = new RateCounter({ perSecond: requestsPerSecond, counts });
  }

  /** For all requests whose caller has been looked for. `cost`: of the route. Throws RateLimited. */
  countRequest(request: Request, response: Response, cost = 1): Promise<void> | undefined {
    const units = Math.min(MAX_ROW_UNITS, Math.ceil(rowsWanted(request.query) / ROWS_PER_UNIT));
    return this.#rate.count(response, clientOf(request), Math.max(cost, units));
  }

  /** Before a body is read that is not too large. One whose length isn't said beforehand comes from no proxy, and is counted as small. */
  readonly admitBody: RequestHandler = async (request, response, next) => {
    const length = Number(request.headers['content-length'] ?? 0);
    if (length > SMALL) await this.#enter(request, response, length);
    next();
  };

  /** For one request; what was let in leaves once its answer is sent, and counts for less once the answer is made. */
  open(request: Request, response: Response): { admit: Admit; answered: () => void } {
    const places: Place[] = [];
    return {
      admit: async (bytes) => {
        if (bytes > SMALL) places.push(await this.#enter(request, response, bytes));
      },
      answered: () => {
        for (const place of places) place.shrinkTo(PART_OF_SENT);
      },
    };
  }

  async #enter(request: Request, response: Response, bytes: number): Promise<Place> {
    const client = clientOf(request);
    await this.#rate.countMore(client, Math.ceil(bytes / BYTES_PER_UNIT));
    const place = await this.#room.enter(clientKey(client), bytes);
    if (response.closed) place.leave();
    else response.once('close', () => place.leave());
    return place;
  }
}
