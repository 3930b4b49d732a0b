import { randomBytes } from 'node:crypto';

export interface FakeIntent {
  id: string;
  object: 'payment_intent';
  status: string;
  amount: number;
  amount_received: number;
  currency: string;
  client_secret: string;
  livemode: false;
  created: number;
  metadata: Record<string, string>;
  last_payment_error: { type: string; code: string; decline_code: string | null } | null;
  next_action: { type: string; redirect_to_url?: { url: string; return_url: string } } | null;
  payment_method: string | null;
}

export interface FakeRefund {
  id: string;
  object: 'refund';
  status: string;
  amount: number;
  currency: string;
  created: number;
  payment_intent: string;
  metadata: Record<string, string>;
  failure_reason: string | null;
}

/** Stripe's answer to what it doesn't do. */
export class FakeRefusal extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Record<string, unknown>) {
    super(String(body.code ?? body.type));
    this.status = status;
    this.body = body;
  }
}

export type Notify = (type: string, object: object) => void;

const MAX_AMOUNT = 99_999_999;
const secondsNow = (): number => Math.floor(Date.now() / 1_000);
const newName = (prefix: string): string => `${prefix}_${randomBytes(12).toString('hex')}`;
const invalid = (code: string | undefined, message: string, status = 400): FakeRefusal =>
  new FakeRefusal(status, { type: 'invalid_request_error', code, message });

/** Test cards of https://docs.stripe.com/testing, by the code of their decline. */
const declines: Readonly<Record<string, string>> = {
  pm_card_visa_chargeDeclined: 'generic_decline',
  pm_card_visa_chargeDeclinedInsufficientFunds: 'insufficient_funds',
};

/** What an account of Stripe's has in it, and how that moves: PaymentIntents and refunds, as far as we use them. */
export class FakeAccount {
  readonly intents = new Map<string, FakeIntent>();
  readonly refunds = new Map<string, FakeRefund>();
  readonly #notify: Notify;

  constructor(notify: Notify) {
    this.#notify = notify;
  }

  createIntent(params: Record<string, string>): FakeIntent {
    const amount = Number(params.amount);
    if (!Number.isSafeInteger(amount) || amount < 1) throw invalid('parameter_invalid_integer', 'Invalid integer');
    if (amount > MAX_AMOUNT) throw invalid('amount_too_large', 'Amount must be no more than 99999999');
    const id = newName('pi');
    const intent: FakeIntent = {
      id,
      object: 'payment_intent',
      status: 'requires_payment_method',
      amount,
      amount_received: 0,
      currency: params.currency ?? '',
      client_secret: `${id}_secret_${randomBytes(12).toString('hex')}`,
      livemode: false,
      created: secondsNow(),
      metadata: metadataOf(params),
      last_payment_error: null,
      next_action: null,
      payment_method: null,
    };
    this.intents.set(id, intent);
    this.#notify('payment_intent.created', intent);
    return intent;
  }

  intent(id: string): FakeIntent {
    const intent = this.intents.get(id);
    if (intent === undefined) throw invalid('resource_missing', `No such payment_intent: '${id}'`, 404);
    return intent;
  }

  confirm(id: string, params: Record<string, string>): FakeIntent {
    const intent = this.intent(id);
    if (intent.status !== 'requires_payment_method' && intent.status !== 'requires_confirmation') {
      throw invalid('payment_intent_unexpected_state', `This PaymentIntent could not be confirmed: ${intent.status}`);
    }
    const method = params.payment_method ?? '';
    if (!method.startsWith('pm_card_')) throw invalid('resource_missing', `No such PaymentMethod: '${method}'`, 404);
    intent.payment_method = method;
    const decline = declines[method];
    if (decline !== undefined) {
      const error = this.#decline(intent, 'card_declined', decline);
      throw new FakeRefusal(402, { ...error, message: 'Your card was declined.', payment_intent: intent });
    }
    if (method === 'pm_card_authenticationRequired') return this.#askCustomer(intent, params.return_url);
    if (method === 'pm_card_processing') {
      Object.assign(intent, { status: 'processing' });
      this.#notify('payment_intent.processing', intent);
      return intent;
    }
    return this.succeed(id);
  }

  update(id: string, params: Record<string, string>): FakeIntent {
    const intent = this.intent(id);
    Object.assign(intent.metadata, metadataOf(params));
    return intent;
  }

  cancel(id: string): FakeIntent {
    const intent = this.intent(id);
    if (['succeeded', 'canceled', 'processing'].includes(intent.status)) {
      throw invalid('payment_intent_unexpected_state', `You cannot cancel this PaymentIntent: ${intent.status}`);
    }
    Object.assign(intent, { status: 'canceled', next_action: null });
    this.#notify('payment_intent.canceled', intent);
    return intent;
  }

  /** The customer, or its bank, has agreed. */
  succeed(id: string, received?: number): FakeIntent {
    const intent = this.intent(id);
    if (intent.status === 'canceled') throw invalid('payment_intent_unexpected_state', 'canceled');
    Object.assign(intent, { status: 'succeeded', next_action: null, amount_received: received ?? intent.amount });
    this.#notify('payment_intent.succeeded', intent);
    return intent;
  }

  /** The customer, or its bank, has refused. */
  failAuthentication(id: string): void {
    this.#decline(this.intent(id), 'payment_intent_authentication_failure', null);
  }

  refund(params: Record<string, string>): FakeRefund {
    const intent = this.intent(params.payment_intent ?? '');
    const made = [...this.refunds.values()].filter(
      ({ payment_intent: id, status }) => id === intent.id && status !== 'failed' && status !== 'canceled',
    );
    const left = intent.amount_received - made.reduce((sum, { amount }) => sum + amount, 0);
    const amount = params.amount === undefined ? left : Number(params.amount);
    if (left === 0) throw invalid('charge_already_refunded', 'Charge has already been refunded.');
    if (amount > left) throw invalid(undefined, 'Refund amount is greater than unrefunded amount on charge');
    const refund: FakeRefund = {
      id: newName('re'),
      object: 'refund',
      status: intent.payment_method === 'pm_card_pendingRefund' ? 'pending' : 'succeeded',
      amount,
      currency: intent.currency,
      created: secondsNow(),
      payment_intent: intent.id,
      metadata: metadataOf(params),
      failure_reason: null,
    };
    this.refunds.set(refund.id, refund);
    this.#notify('refund.created', refund);
    return refund;
  }

  /** A refund comes to its end, or fails after it had succeeded. */
  settleRefund(id: string, status: 'succeeded' | 'failed'): void {
    const refund = this.refunds.get(id);
    if (refund === undefined) throw new Error(`no refund ${id}`);
    Object.assign(refund, { status, failure_reason: status === 'failed' ? 'expired_or_canceled_card' : null });
    this.#notify(status === 'failed' ? 'refund.failed' : 'refund.updated', refund);
  }

  dispute(intentId: string): void {
    const { id, amount, currency } = this.intent(intentId);
    const dispute = { id: newName('dp'), object: 'dispute', reason: 'fraudulent', status: 'needs_response' };
    this.#notify('charge.dispute.created', { ...dispute, payment_intent: id, amount, currency });
  }

  #askCustomer(intent: FakeIntent, returnUrl: string | undefined): FakeIntent {
    const redirect = { url: `https://hooks.stripe.example/3ds/${intent.id}`, return_url: returnUrl ?? '' };
    const action =
      returnUrl === undefined ? { type: 'use_stripe_sdk' } : { type: 'redirect_to_url', redirect_to_url: redirect };
    Object.assign(intent, { status: 'requires_action', next_action: action });
    this.#notify('payment_intent.requires_action', intent);
    return intent;
  }

  #decline(intent: FakeIntent, code: string, declineCode: string | null) {
    const error = { type: 'card_error', code, decline_code: declineCode };
    Object.assign(intent, { status: 'requires_payment_method', next_action: null, last_payment_error: error });
    this.#notify('payment_intent.payment_failed', intent);
    return error;
  }
}

function metadataOf(params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) => {
      const key = /^metadata\[(\w+)\]$/.exec(name)?.[1];
      return key === undefined ? [] : [[key, value] as const];
    }),
  );
}
