import { NotFound } from '@shop/common/errors';

export class ProviderNotFound extends NotFound {
  constructor() {
    super('There is no such payment provider that sends webhooks');
  }
}
