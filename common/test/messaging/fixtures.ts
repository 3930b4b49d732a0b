import { randomUUID } from 'node:crypto';
import type { EventData, EventDraft, EventOf } from '../../src/contracts/index.js';
import type { LogFacts, Logger } from '../../src/logger/index.js';
import { createTopology } from '../../src/messaging/index.js';

/** Keeps what was logged, for tests that ask for it. */
export class RecordingLogger implements Logger {
  readonly entries: { level: string; message: string; facts: LogFacts | undefined }[] = [];
  error = this.#keep('error');
  warn = this.#keep('warn');
  info = this.#keep('info');
  debug = this.#keep('debug');

  messages(level: string): string[] {
    return this.entries.filter((entry) => entry.level === level).map((entry) => entry.message);
  }

  #keep(level: string) {
    return (message: string, facts?: LogFacts): void => void this.entries.push({ level, message, facts });
  }
}

/** The real table of queues, with pauses that a test can wait for. */
export const createTestTopology = () =>
  createTopology({ accessTokenLifetime: 3_600_000, retryPauses: [20, 40, 80, 160] });

export function orderData({ id = randomUUID() }: { id?: string } = {}): EventData<'order.created'> {
  const now = new Date().toISOString();
  return {
    id,
    userId: randomUUID(),
    status: 'pending',
    statusReason: null,
    totalAmount: 19.99,
    currency: 'USD',
    shippingAddress: '1 Main Street',
    notes: null,
    items: [{ id: randomUUID(), productId: 'p-1', productName: 'Book', quantity: 1, unitPrice: 19.99 }],
    payableUntil: now,
    createdAt: now,
    updatedAt: now,
  };
}

export function orderCreated({
  orderId = randomUUID(),
  sequence = 1,
}: { orderId?: string; sequence?: number } = {}): EventOf<'order.created'> {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: '/order-service',
    type: 'order.created',
    subject: orderId,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    sequence,
    data: orderData({ id: orderId }),
  };
}

export const orderCreatedDraft = (orderId: string = randomUUID(), sequence = 1): EventDraft => ({
  type: 'order.created',
  subject: orderId,
  sequence,
  data: orderData({ id: orderId }),
});
