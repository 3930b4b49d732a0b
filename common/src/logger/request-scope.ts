import { AsyncLocalStorage } from 'node:async_hooks';

/** What belongs to the request or message that is being handled; it stands in every log line written meanwhile. */
export interface RequestScope {
  readonly requestId: string;
  /** W3C trace context of this step: https://www.w3.org/TR/trace-context/#traceparent-header */
  readonly traceparent: string;
  /** Set where no trace is made of what happens: its spans would belong to nothing. */
  readonly isUntraced?: boolean;
  /** The caller's address, as far as trusted proxies tell; absent where nobody called over HTTP. */
  readonly clientAddress?: string | undefined;
  /** Set once the caller is known. */
  actorId?: string;
}

const storage = new AsyncLocalStorage<RequestScope>();

/** The scope of the request or message that is being handled; undefined outside of one. */
export const currentScope = (): RequestScope | undefined => storage.getStore();

/** Runs `work`, and all that it starts, in a scope. */
export const runInScope = <T>(scope: RequestScope, work: () => T): T => storage.run(scope, work);
