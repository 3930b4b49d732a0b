import { RateLimited, type RateLimitPolicy } from '@shop/common/errors';

/** No try is left. */
export class TooManyAttempts extends RateLimited {
  /** Whether it is the first one that is refused since a try was used up. */
  readonly isFirst: boolean;

  constructor(retryAfterSeconds: number, policy: RateLimitPolicy, { isFirst }: { isFirst: boolean }) {
    super(retryAfterSeconds, { policy });
    this.isFirst = isFirst;
  }
}
