// Load that does not wait for answers: as many requests a second as are asked for, evenly spread, whatever becomes of those before.
// (autocannon's rate comes in bursts, one each second, and each of its connections waits for its answer.)
import { setTimeout as delay } from 'node:timers/promises';
import { Agent } from 'undici';
import { timesOf, type Times } from './statistics.ts';

export interface OfferedRequest {
  origin: string;
  path: string;
  headers: Record<string, string>;
  /** GET by default. */
  method?: 'GET' | 'POST';
  body?: string;
  /** Whether a successful answer is what was asked for: GraphQL answers 200 with errors, too. Each answer is by default. */
  accepts?: (body: string) => boolean;
}

export interface OfferedLoad {
  /** The request of this number, counted from 0. */
  request: (number: number) => OfferedRequest;
  /** Infinity: each connection asks again as soon as it has its answer. */
  perSecond: number;
  seconds: number;
  connections: number;
  /** Called now and then with the part that is done, 0 to 1. */
  progress?: (part: number) => void;
}

export interface OfferedResult {
  /** Answers by status, and by what went wrong where none came. */
  answers: ReadonlyMap<string, number>;
  /** Requests a second: those that were sent, and those that were answered with success. */
  offered: number;
  succeeded: number;
  /** Milliseconds from when a request was due to the end of its successful answer. */
  times: Times;
  /** The same of answers that are no success. */
  refusalTimes: Times;
  /** Microseconds of processor time that this process took for each request. */
  generator: number;
}

const answerTimeout = 30_000;
const tick = 5;
/** Requests under way at most: a server that answers nothing must not fill this process. */
const mostUnderWay = 20_000;

/** Resolves once each request has its answer or has failed; throws for nothing that a server answers. */
export async function offerLoad(load: OfferedLoad): Promise<OfferedResult> {
  const { request, perSecond, seconds, connections } = load;
  const client = new Agent({
    connections,
    pipelining: 1,
    headersTimeout: answerTimeout,
    bodyTimeout: answerTimeout,
    connectTimeout: answerTimeout,
  });
  const answers = new Map<string, number>();
  const times: number[] = [];
  const refusalTimes: number[] = [];
  const note = (answer: string): void => void answers.set(answer, (answers.get(answer) ?? 0) + 1);
  const send = async (number: number, dueAt: number): Promise<void> => {
    try {
      const answer = await answerOf(client, request(number));
      (isSuccess(answer) ? times : refusalTimes).push(performance.now() - dueAt);
      note(answer);
    } catch (error) {
      note(error instanceof Error && 'code' in error ? String(error.code) : String(error));
    }
  };
  const spentBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  const report = (): void => load.progress?.(Math.min(1, (performance.now() - startedAt) / (seconds * 1_000)));
  const sent = Number.isFinite(perSecond)
    ? await sendEvenly({ send, perSecond, startedAt, endsAt, note, report })
    : await sendOnAnswer({ send, connections, endsAt, report });
  const elapsed = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(spentBefore);
  await client.destroy();
  return {
    answers,
    offered: sent / Math.min(elapsed, seconds),
    succeeded: times.length / elapsed,
    times: timesOf(times),
    refusalTimes: timesOf(refusalTimes),
    generator: (user + system) / sent,
  };
}

const isSuccess = (answer: string): boolean => /^2\d\d$/.test(answer);

/**
 * The status, or what is wrong with a success, once the whole answer is there. Not by `request`, whose body alone takes
 * twice as long as all the rest.
 */
const answerOf = (client: Agent, { accepts, method = 'GET', ...request }: OfferedRequest): Promise<string> =>
  new Promise((resolve, reject) => {
    let status = '';
    const body: Buffer[] = [];
    client.dispatch(
      { ...request, method },
      {
        onRequestStart: () => undefined,
        onResponseStart: (_controller, statusCode) => {
          status = String(statusCode);
        },
        onResponseData: (_controller, chunk) => {
          if (accepts) body.push(chunk);
        },
        onResponseEnd: () => {
          const isTaken = !accepts || !isSuccess(status) || accepts(Buffer.concat(body).toString());
          resolve(isTaken ? status : 'success with errors');
        },
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });

type Send = (number: number, dueAt: number) => Promise<void>;

/** How many requests became due. */
async function sendEvenly(parts: {
  send: Send;
  perSecond: number;
  startedAt: number;
  endsAt: number;
  note: (answer: string) => void;
  report: () => void;
}): Promise<number> {
  const { send, perSecond, startedAt, endsAt, note, report } = parts;
  const underWay = new Set<Promise<void>>();
  let due = 0;
  for (let now = startedAt; now < endsAt; now = performance.now()) {
    for (; due < ((now - startedAt) / 1_000) * perSecond; due++) {
      if (underWay.size >= mostUnderWay) {
        note(`not sent by the generator, with ${mostUnderWay} under way`);
        continue;
      }
      const sending = send(due, startedAt + (due / perSecond) * 1_000);
      underWay.add(sending);
      void sending.then(() => underWay.delete(sending));
    }
    report();
    await delay(tick);
  }
  await Promise.all(underWay);
  return due;
}

/** How many requests were sent. */
async function sendOnAnswer(parts: {
  send: Send;
  connections: number;
  endsAt: number;
  report: () => void;
}): Promise<number> {
  const { send, connections, endsAt, report } = parts;
  let sent = 0;
  const ask = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      await send(sent++, performance.now());
      report();
    }
  };
  await Promise.all(Array.from({ length: connections }, ask));
  return sent;
}
