import { InvalidInput, NotFound, Unauthorized } from '@shop/common/errors';

export class ProviderNotFound extends NotFound {
  constructor() {
    super('There is no such payment provider that sends webhooks');
  }
}

export class WebhookRefused extends Unauthorized {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

export class WebhookNotUnderstood extends InvalidInput {
  constructor(cause: Error) {
    super([{ field: 'body', message: 'must be a message of this provider' }], { cause });
  }
}
