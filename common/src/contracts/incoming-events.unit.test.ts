import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { asWrittenBy, versions } from '@shop/testing';
import { orderData } from '../../test/messaging/fixtures.js';
import { eventSchemas, eventTypes, parseEvent, type EventType } from './index.js';

const time = new Date().toISOString();
const id = randomUUID();
const payment = {
  ...{ id, orderId: randomUUID(), userId: randomUUID(), amount: 1, refundedAmount: 0, currency: 'USD' },
  ...{ status: 'success', method: 'card', transactionId: null, provider: null, description: null },
  ...{ failureReason: null, paidAt: null, createdAt: time, updatedAt: time },
};
const user = {
  ...{ id, email: 'a@example.com', firstName: 'A', lastName: 'B', fullName: 'A B', role: 'user', isActive: true },
  ...{ createdAt: time, updatedAt: time },
};

function dataOf(type: EventType): object {
  if (type === 'user.access_revoked') return { userId: id, minimumVersion: 2, reason: 'deactivated' };
  if (type === 'user.anonymised') return { userId: id };
  if (type.startsWith('user.')) return user;
  return type.startsWith('order.') ? { ...orderData(), previousStatus: 'pending', reason: null } : payment;
}

const eventOf = (type: EventType) => ({
  ...{ specversion: '1.0', id: randomUUID(), source: '/some-service', type, subject: id, time, sequence: 2 },
  datacontenttype: 'application/json',
  data: dataOf(type),
});

describe.each(eventTypes)('%s', (type) => {
  it.each(versions)('as the version %s writes it -> read, with all that consumers need', (version) => {
    const event = eventOf(type);
    expect(eventSchemas[type].safeParse(event).success).toBe(true);
    const written = asWrittenBy(version, event, ['status', 'previousStatus', 'role']);
    const now = parseEvent(JSON.stringify(event));
    const read = parseEvent(JSON.stringify(written));
    expect(read).toMatchObject({ id: event.id, type, subject: id, sequence: 2 });
    const { status: _now, ...needed } = { status: undefined, ...now.data };
    const { status: _read, ...got } = { status: undefined, ...read.data };
    expect(got).toEqual(needed);
  });
});
