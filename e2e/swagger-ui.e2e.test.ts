import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Locator, Page } from 'playwright-core';
import { openPage, type WatchedPage } from './support/browser.js';
import { eventually, orderInput, register, rest, urls } from './support/system.js';

let browser: Browser;
let page: Page;
let foreignRequests: WatchedPage['foreignRequests'];
let complaints: WatchedPage['complaints'];

beforeAll(async () => {
  ({ browser, page, foreignRequests, complaints } = await openPage({ height: 1000 }));
  await page.goto(`${urls.nginx}/docs`);
});

afterAll(() => browser.close());

/** An operation, by the path and method that stand in its line; opened. */
const open = async (method: string, path: string): Promise<Locator> => {
  const operation = page.locator(`.opblock-${method}`, { has: page.locator(`[data-path="${path}"]`) });
  await operation.locator('.opblock-summary-control').click();
  await operation.getByRole('button', { name: 'Execute' }).waitFor();
  return operation;
};

/** Presses Execute; answers what came back. */
const execute = async (operation: Locator) => {
  const answered = page.waitForResponse((response) => response.url().includes('/api/v1/'));
  await operation.getByRole('button', { name: 'Execute' }).click();
  const response = await answered;
  await operation
    .locator('.live-responses-table .response-col_status', { hasText: String(response.status()) })
    .waitFor();
  return JSON.parse(await response.text());
};

describe('Swagger UI in a browser', () => {
  it('a token, an order, its payment -> confirmed; the token stays; nobody else is asked', async () => {
    const { token } = await register();
    await page.getByRole('button', { name: 'Authorize', exact: true }).first().click();
    await page.locator('.modal-ux input').fill(token);
    await page.locator('.modal-ux').getByRole('button', { name: 'Apply credentials' }).click();
    await page.locator('.modal-ux').getByRole('button', { name: 'Close' }).click();

    const placing = await open('post', '/api/v1/orders');
    await placing.locator('textarea').fill(JSON.stringify(orderInput));
    const { data: order } = await execute(placing);
    expect(order).toMatchObject({ status: 'pending' });
    const payment = await eventually(async () => {
      const { status, body } = await rest('GET', `/payments/order/${order.id}`, { token });
      expect(status).toBe(200);
      return body.data;
    });

    const paying = await open('post', '/api/v1/payments/{id}/process');
    await paying.locator('tr[data-param-name="id"] input').fill(payment.id);
    await paying.locator('tr[data-param-name="Idempotency-Key"] input').fill(randomUUID());
    await paying.locator('textarea').fill('{}');
    expect((await execute(paying)).data).toMatchObject({ id: payment.id, status: 'success' });
    await eventually(async () => {
      expect((await rest('GET', `/orders/${order.id}`, { token })).body.data.status).toBe('confirmed');
    });

    await page.reload();
    const listing = await open('get', '/api/v1/orders/my-orders');
    expect((await execute(listing)).data).toMatchObject([{ id: order.id }]);
    expect({ foreignRequests, complaints }).toEqual({ foreignRequests: [], complaints: [] });
  });

  it('the drop-down -> each service alone', async () => {
    const offered = await page.locator('#select option').allInnerTexts();
    expect(offered).toEqual(['all services', 'user-service', 'order-service', 'payment-service']);
    await page.locator('#select').selectOption({ label: 'order-service' });
    await page.locator('.info .title', { hasText: 'order-service' }).waitFor();
    await page.locator('[data-path="/api/v1/orders"]').first().waitFor();
    expect(await page.locator('[data-path^="/api/v1/payments"]').count()).toBe(0);
  });

  it.each(['userService', 'orderService', 'paymentService'] as const)(
    '%s -> the page and the description at the service itself',
    async (name) => {
      const own = await fetch(`${urls[name]}/docs`);
      expect([own.status, own.headers.get('content-security-policy')]).toEqual([
        200,
        expect.stringContaining("script-src 'self'"),
      ]);
      expect(await (await fetch(`${urls[name]}/openapi.json`)).json()).toMatchObject({ openapi: '3.1.1' });
    },
  );
});
