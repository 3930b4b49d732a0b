// Load that does not wait for answers: as many requests a second as are asked for, evenly spread, whatever becomes of those before.
// (autocannon's rate comes in bursts, one each second, and each of its connections waits for its answer.)
import { setTimeout as delay } from 'node:timers/promises';
import { isSuccess, PlainConnections, type PlainRequest } from './plain-connections.ts';
import { timesOf, type Times } from './statistics.ts';

export type OfferedRequest = PlainRequest;

export interface OfferedLoad {
  /** The request of this number, counted from 0. */
  request: (number: number) => OfferedRequest;
  /** Infinity: each connection asks again as soon as it has its answer. */
  perSecond: number;
  seconds: number;
  connections: number;
  /** To which all connections are open before the load begins, as those of a proxy are; absent: each opens when it is needed. */
  openedTo?: string;
  /** Called now and then with the part that is done, 0 to 1. */
  progress?: (part: number) => void;
}

export interface OfferedResult {
  /** Answers by status, and by what went wrong where none came. */
  answers: ReadonlyMap<string, number>;
  /** Requests a second, while the load lasts: those that became due, and the successful answers that came. */
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
  const client = new PlainConnections({ connections, timeout: answerTimeout });
  if (load.openedTo !== undefined) await client.openAll(load.openedTo);
  const answers = new Map<string, number>();
  const times: number[] = [];
  const refusalTimes: number[] = [];
  let inTime = 0;
  const note = (answer: string): void => void answers.set(answer, (answers.get(answer) ?? 0) + 1);
  const spentBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  const send: Send = (number, dueAt, done) =>
    client.send(request(number), (answer) => {
      const now = performance.now();
      if (isSuccess(answer)) {
        times.push(now - dueAt);
        if (now <= endsAt) inTime += 1;
      } else if (/^\d/.test(answer)) refusalTimes.push(now - dueAt);
      note(answer);
      done();
    });
  const report = (): void => load.progress?.(Math.min(1, (performance.now() - startedAt) / (seconds * 1_000)));
  const sent = Number.isFinite(perSecond)
    ? await sendEvenly({ send, perSecond, startedAt, endsAt, note, report })
    : await sendOnAnswer({ send, connections, endsAt, report });
  const { user, system } = process.cpuUsage(spentBefore);
  client.close();
  return {
    answers,
    offered: sent / seconds,
    succeeded: inTime / seconds,
    times: timesOf(times),
    refusalTimes: timesOf(refusalTimes),
    generator: (user + system) / sent,
  };
}

/** `done` once it has its answer, or has failed. */
type Send = (number: number, dueAt: number, done: () => void) => void;

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
  const allDone = Promise.withResolvers<undefined>();
  let isDue = true;
  let underWay = 0;
  const done = (): void => {
    underWay -= 1;
    if (!isDue && underWay === 0) allDone.resolve(undefined);
  };
  let due = 0;
  for (let now = startedAt; now < endsAt; now = performance.now()) {
    for (; due < ((now - startedAt) / 1_000) * perSecond; due++) {
      if (underWay >= mostUnderWay) {
        note(`not sent by the generator, with ${mostUnderWay} under way`);
        continue;
      }
      underWay += 1;
      send(due, startedAt + (due / perSecond) * 1_000, done);
    }
    report();
    await delay(tick);
  }
  isDue = false;
  if (underWay > 0) await allDone.promise;
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
      const number = sent++;
      await new Promise<void>((resolve) => send(number, performance.now(), resolve));
      report();
    }
  };
  await Promise.all(Array.from({ length: connections }, ask));
  return sent;
}
