import { Conflict, NotFound } from '@shop/common/errors';

export class DiscrepancyNotFound extends NotFound {
  constructor() {
    super('Discrepancy not found');
  }
}

export class DiscrepancyClosed extends Conflict {
  constructor() {
    super('Discrepancy is closed with another note');
  }
}
