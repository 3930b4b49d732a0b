import { AppError, Conflict, Forbidden, NotFound } from '@shop/common/errors';

export class PaymentNotFound extends NotFound {
  constructor() {
    super('Payment not found');
  }
}

export class OrderNotFound extends NotFound {
  constructor() {
    super('Order not found');
  }
}

export class OrderNotPayable extends Conflict {
  constructor(status: string) {
    super(status === 'pending' ? 'Order can no longer be paid' : `Order is ${status} and can not be paid`);
  }
}

export class LivePaymentExists extends Conflict {
  constructor(paymentId: string) {
    super(`Order already has payment ${paymentId}`, { facts: { paymentId } });
  }
}

export class TooManyPayments extends Conflict {
  constructor() {
    super('Order has had too many payments: place another one');
  }
}

export class PaymentNotPending extends Conflict {
  constructor(status: string) {
    super(`Payment is ${status} and can not be processed`);
  }
}

export class PaymentNotRefundable extends Conflict {
  constructor(status: string) {
    super(`Payment is ${status} and can not be refunded`);
  }
}

export class RefundTooLarge extends Conflict {
  constructor() {
    super('Refund is larger than what is left of the payment');
  }
}

export class RefundNotFound extends NotFound {
  constructor() {
    super('Refund not found');
  }
}

export class RefundSettledByProvider extends Conflict {
  constructor() {
    super('Refund is settled by its provider');
  }
}

export class RefundSettledOtherwise extends Conflict {
  constructor(status: string) {
    super(`Refund is ${status} already`);
  }
}

export class OnlyAdminReceives extends Forbidden {
  constructor(method: string) {
    super(`Only an admin may receive a payment by ${method}`);
  }
}

/** The provider said no to a charge or a refund. */
export class PaymentDeclined extends AppError {
  constructor(what: 'Payment' | 'Refund', { paymentId, reason }: { paymentId: string; reason: string }) {
    super('PAYMENT_DECLINED', `${what} was declined`, { facts: { reason, paymentId } });
  }
}
