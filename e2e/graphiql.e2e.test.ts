import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { eventually, rest, urls } from './support/system.js';

/** Keeps Chromium from calling home. */
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'];

let browser: Browser;
let page: Page;
const foreignRequests: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', ...QUIET],
  });
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.on('request', (request) => {
    const url = request.url().replace(/^blob:/, '');
    if (!url.startsWith(urls.nginx) && !url.startsWith('data:')) foreignRequests.push(url);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(urls.nginx);
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
});

afterAll(() => browser.close());

/** What stands in an editor, without spaces: it shows them as others. */
const textIn = async (editor: string): Promise<string> =>
  (await page.locator(`${editor} .view-lines:visible`).innerText()).replaceAll(/\s/g, '');

/** A tab is open once its query is in the editor: what is typed before would be typed into the last one, or lost. */
const openTab = async (name: string): Promise<void> => {
  await page.locator(`.graphiql-tab-button[title="${name}"]`).click();
  await page.locator('.graphiql-tab-active', { hasText: name }).waitFor();
  await eventually(async () => expect(await textIn('.graphiql-query-editor')).toContain(name));
};

/** Types over what stands in an editor; what the editor closes by itself behind the cursor is deleted. */
const type = async (editor: string, text: string): Promise<void> => {
  await eventually(async () => {
    await page.locator(`${editor} .view-lines:visible`).click();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(text);
    await page.keyboard.press('Control+Shift+End');
    await page.keyboard.press('Delete');
    expect(await textIn(editor)).toBe(text.replaceAll(/\s/g, ''));
  });
};

const typeToken = (token: string): Promise<void> =>
  type('.graphiql-editor-tool', JSON.stringify({ Authorization: `Bearer ${token}` }));

/** Presses the button; answers what came back, once the page shows it. */
const execute = async (shown: string) => {
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.locator('button[aria-label^="Execute"]').click();
  const { data } = JSON.parse(await (await answered).text());
  await page.locator('.graphiql-response', { hasText: shown }).waitFor();
  return data;
};

describe('GraphiQL in a browser', () => {
  it('the story, tab by tab -> registered, logged in, ordered, paid, confirmed; nobody else is asked', async () => {
    const email = `${randomUUID()}@example.com`;

    await openTab('Register');
    await type(
      '.graphiql-query-editor',
      `mutation Register {
        register(input: { email: "${email}", password: "password123", firstName: "John", lastName: "Doe" }) {
          user { fullName }
        }
      }`,
    );
    expect((await execute('John Doe')).register.user.fullName).toBe('John Doe');

    await openTab('Login');
    await type(
      '.graphiql-query-editor',
      `mutation Login { login(input: { email: "${email}", password: "password123" }) { token } }`,
    );
    const { token } = (await execute('token')).login;

    await openTab('CreateOrder');
    await typeToken(token);
    const order = (await execute('pending')).createOrder;
    expect(order).toMatchObject({ status: 'pending', totalAmount: 999.99 });
    await eventually(async () => {
      expect((await rest('GET', `/payments/order/${order.id}`, { token })).status).toBe(200);
    });

    await openTab('Orders');
    await typeToken(token);
    const [listed] = (await execute('"hasMore"')).orders.data;
    expect(listed).toMatchObject({ user: { email }, payment: { status: 'pending', amount: 999.99 } });

    await openTab('ProcessPayment');
    await typeToken(token);
    await type(
      '.graphiql-query-editor',
      `mutation ProcessPayment { processPayment(id: "${listed.payment.id}") { status } }`,
    );
    expect((await execute('success')).processPayment.status).toBe('success');
    await eventually(async () => {
      expect((await rest('GET', `/orders/${order.id}`, { token })).body.data.status).toBe('confirmed');
    });

    await openTab('Me');
    await typeToken(token);
    expect((await execute('confirmed')).me.orders).toMatchObject([{ id: order.id, status: 'confirmed' }]);

    await openTab('OrderUpdated');
    await typeToken(token);
    await type('.graphiql-query-editor', `subscription OrderUpdated { orderUpdated(id: "${order.id}") { status } }`);
    const begun = page.waitForResponse((response) => response.headers()['content-type'] === 'text/event-stream');
    await page.locator('button[aria-label^="Execute"]').click();
    await begun;
    await rest('PATCH', `/orders/${order.id}/status`, { token, body: { status: 'cancelled' } });
    await page.locator('.graphiql-response', { hasText: 'cancelled' }).waitFor();

    expect({ foreignRequests, complaints }).toEqual({ foreignRequests: [], complaints: [] });
  });
});
