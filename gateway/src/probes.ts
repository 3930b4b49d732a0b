import { setTimeout as delay } from 'node:timers/promises';
import type { DependencyState, Probe, ServiceClient } from '@shop/common/http';

/** Milliseconds that an answer counts for, so that questions about us don't become questions to everybody else. */
const FRESH = 1_000;
const TIMEOUT = 1_000;

/** Whether a service is ready. It is nobody's reason to stop asking the gateway: the others still work. */
export function serviceProbe(service: ServiceClient): Probe {
  let state: Promise<DependencyState> | undefined;
  let askedAt = 0;
  return {
    required: false,
    state: () => {
      if (state === undefined || Date.now() - askedAt > FRESH) {
        askedAt = Date.now();
        state = ask(service);
      }
      return state;
    },
  };
}

async function ask(service: ServiceClient): Promise<DependencyState> {
  const answered = new AbortController();
  try {
    const isReady = await Promise.race([
      service.isReady(),
      delay(TIMEOUT, false, { signal: answered.signal, ref: false }),
    ]);
    return isReady ? 'up' : 'down';
  } catch {
    // Whatever keeps it from answering: it is of no use to us now, and the readiness answer says so.
    return 'down';
  } finally {
    answered.abort();
  }
}
