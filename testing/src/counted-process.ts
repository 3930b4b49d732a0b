import { z } from 'zod';
import { startServiceProcess, type ServiceProcess } from './service-process.js';

const WARM_UP = 10;
/** Odd, so that one of them is the median. */
const REQUESTS = 21;

const kinds = z.object({
  /** SQL statements. */
  statements: z.int(),
  /** Requests to other services. */
  calls: z.int(),
  /** Asked of the source of randomness. */
  randoms: z.int(),
  hashes: z.int(),
  /** Made or verified. */
  signatures: z.int(),
  promises: z.int(),
});
const report = z.object({ requests: z.array(kinds), lines: z.int() });

/** What one request has a process do; `lines` are those of its log. */
export type Work = z.infer<typeof kinds> & { lines: number };

export interface CountedRequest {
  /** Or what makes one for each request. */
  path: string | (() => string);
  token?: string;
  /** Sent as JSON, by POST; or what makes it for each request. */
  body?: object | (() => object);
}

export interface CountedProcess extends ServiceProcess {
  /** What a warm process does for a request: the median of many, one after another. Throws where one does not succeed. */
  workOf(request: CountedRequest): Promise<Work>;
}

/** Starts a service as startServiceProcess does, and counts its work. */
export async function startCountedProcess({
  directory,
  environment,
}: {
  directory: string;
  environment: Record<string, string>;
}): Promise<CountedProcess> {
  const counter = new URL('./count-work.ts', import.meta.url).href;
  const service = await startServiceProcess({
    directory,
    environment: { ...environment, NODE_OPTIONS: `--import ${counter}` },
  });
  const counted = async () => report.parse(await (await fetch(`${service.url}/counted-work`)).json());

  const send = async ({ path, token, body }: CountedRequest): Promise<void> => {
    const to = typeof path === 'string' ? path : path();
    const sent: object | undefined = typeof body === 'function' ? (body as () => object)() : body;
    const answer = await fetch(`${service.url}${to}`, {
      ...(sent && { method: 'POST', body: JSON.stringify(sent) }),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${to}: ${answer.status} ${text}`);
  };

  return {
    ...service,
    workOf: async (request) => {
      for (let i = 0; i < WARM_UP; i++) await send(request);
      await counted();
      for (let i = 0; i < REQUESTS; i++) await send(request);
      const { requests, lines } = await counted();
      const medianOf = (kind: keyof z.infer<typeof kinds>): number =>
        requests.map((work) => work[kind]).toSorted((one, other) => one - other)[(REQUESTS - 1) / 2] ?? NaN;
      return {
        statements: medianOf('statements'),
        calls: medianOf('calls'),
        randoms: medianOf('randoms'),
        hashes: medianOf('hashes'),
        signatures: medianOf('signatures'),
        promises: medianOf('promises'),
        lines: Math.round(lines / REQUESTS),
      };
    },
  };
}

/** What a request does more of than it may, in words. What `most` does not name may not be done at all. */
export const excessOf = (work: Work, most: Partial<Work>): string[] => {
  const limits: Record<string, number> = { ...most };
  return Object.entries(work)
    .filter(([kind, done]) => done > (limits[kind] ?? 0))
    .map(([kind, done]) => `${kind}: ${done}, at most ${limits[kind] ?? 0}`);
};
