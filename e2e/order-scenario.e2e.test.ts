import { describe, expect, it } from '@jest/globals';
import { eventually, graphql, loginAsAdmin, placeOrder, register, rest, urls } from './support/system.js';

const orderWithPayment = `query ($id: ID!) { order(id: $id) { status statusReason payment { id status refundedAmount failureReason } } }`;
const process = `mutation ($id: ID!, $token: String) { processPayment(id: $id, token: $token) { id status order { status } } }`;

const statusOf = async (orderId: string, token: string) => {
  const { body } = await graphql(orderWithPayment, token, { id: orderId });
  return body.data.order;
};

describe('an order, from GraphQL to paid', () => {
  it('placed -> a pending payment appears; processed -> paid, and the order is confirmed', async () => {
    const { token } = await register();
    const { orderId, paymentId } = await placeOrder(token);
    const paid = await graphql(process, token, { id: paymentId });
    expect(paid.body.data.processPayment).toMatchObject({ id: paymentId, status: 'success' });
    await eventually(async () => {
      expect(await statusOf(orderId, token)).toMatchObject({ status: 'confirmed', payment: { status: 'success' } });
    });
    const { body } = await rest('GET', `/orders/${orderId}`, { token });
    expect(body.data.statusHistory.map((entry: { status: string; by: string }) => [entry.status, entry.by])).toEqual([
      ['pending', body.data.userId],
      ['confirmed', 'system'],
    ]);
  });

  it('declined -> PAYMENT_DECLINED with its reason; the order stays pending and can be paid again', async () => {
    const { token } = await register();
    const { orderId, paymentId } = await placeOrder(token);
    const declined = await graphql(process, token, { id: paymentId, token: 'tok_insufficientFunds' });
    expect(declined.body.errors[0].extensions).toMatchObject({ code: 'PAYMENT_DECLINED', paymentId });
    expect(await statusOf(orderId, token)).toMatchObject({ status: 'pending', payment: { status: 'failed' } });
    const again = await rest('POST', '/payments', {
      token,
      body: { orderId, amount: 999.99, currency: 'USD', method: 'card' },
    });
    expect(again.status).toBe(201);
    await rest('POST', `/payments/${again.body.data.id}/process`, { token });
    await eventually(async () => expect((await statusOf(orderId, token)).status).toBe('confirmed'));
  });

  it('the provider takes the money and does not answer -> processing, to a GraphQL client behind nginx too; paid once it is known', async () => {
    const { token } = await register();
    const { orderId, paymentId } = await placeOrder(token);
    const { body } = await graphql(process, token, { id: paymentId, token: 'tok_timeout' }, urls.nginx);
    expect(body).toEqual({
      data: { processPayment: { id: paymentId, status: 'processing', order: { status: 'pending' } } },
    });
    await eventually(async () => {
      expect(await statusOf(orderId, token)).toMatchObject({ status: 'confirmed', payment: { status: 'success' } });
    });
  });

  it('paid and then cancelled by its owner -> refunded in full', async () => {
    const { token } = await register();
    const { orderId, paymentId } = await placeOrder(token);
    await rest('POST', `/payments/${paymentId}/process`, { token });
    await eventually(async () => expect((await statusOf(orderId, token)).status).toBe('confirmed'));
    await rest('PATCH', `/orders/${orderId}/status`, {
      token,
      body: { status: 'cancelled', reason: 'changed my mind' },
    });
    await eventually(async () => {
      expect(await statusOf(orderId, token)).toEqual({
        status: 'cancelled',
        statusReason: 'changed my mind',
        payment: { id: paymentId, status: 'refunded', refundedAmount: 999.99, failureReason: null },
      });
    });
  });

  it('cancelled while its payment is being processed -> ends refunded', async () => {
    const { token } = await register();
    const { orderId, paymentId } = await placeOrder(token);
    const processing = rest('POST', `/payments/${paymentId}/process`, { token, body: { token: 'tok_slow' } });
    await eventually(async () => expect((await statusOf(orderId, token)).payment.status).toBe('processing'));
    await rest('PATCH', `/orders/${orderId}/status`, { token, body: { status: 'cancelled' } });
    await processing;
    await eventually(async () => {
      expect(await statusOf(orderId, token)).toMatchObject({ status: 'cancelled', payment: { status: 'refunded' } });
    });
  });

  it('cancelled before it is paid -> its payment is cancelled and can not be processed', async () => {
    const { token } = await register();
    const { orderId, paymentId } = await placeOrder(token);
    await rest('PATCH', `/orders/${orderId}/status`, { token, body: { status: 'cancelled' } });
    await eventually(async () => expect((await statusOf(orderId, token)).payment.status).toBe('cancelled'));
    expect((await rest('POST', `/payments/${paymentId}/process`, { token })).status).toBe(409);
  });

  it('refunded by an admin before it is shipped -> cancelled, reason refunded', async () => {
    const [{ token }, admin] = await Promise.all([register(), loginAsAdmin()]);
    const { orderId, paymentId } = await placeOrder(token);
    await rest('POST', `/payments/${paymentId}/process`, { token });
    await eventually(async () => expect((await statusOf(orderId, token)).status).toBe('confirmed'));
    const refund = await rest('POST', `/payments/${paymentId}/refund`, {
      token: admin.token,
      body: { reason: 'damaged' },
    });
    expect(refund).toMatchObject({ status: 200, body: { data: { status: 'refunded', refundedAmount: 999.99 } } });
    await eventually(async () => {
      expect(await statusOf(orderId, token)).toMatchObject({ status: 'cancelled', statusReason: 'refunded' });
    });
  });
});
