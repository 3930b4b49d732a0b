import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page, Request, Response } from 'playwright-core';
import { isOwn, openPage, type WatchedPage } from './support/browser.js';
import { eventually, register, rest, urls } from './support/system.js';

let browser: Browser;
let page: Page;
let foreignRequests: WatchedPage['foreignRequests'];
let complaints: WatchedPage['complaints'];

beforeAll(async () => {
  ({ browser, page, foreignRequests, complaints } = await openPage({
    height: 900,
    mayAsk: (url) => isOwn(url.replace(/^blob:/, '')),
  }));
  await page.goto(urls.nginx);
  await page.locator('.graphiql-query-editor .view-lines').waitFor();
});

afterAll(() => browser.close());

/** What stands in an editor, without spaces: it shows them as others. */
const textIn = async (editor: string): Promise<string> =>
  (await page.locator(`${editor} .view-lines:visible`).innerText()).replaceAll(/\s/g, '');

/** The operation that GraphiQL runs: it learns it from the editor, a moment later. */
const operation = (): Promise<string | null> =>
  page.evaluate(`(() => {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{"tabs":[]}');
    return tabs[activeTabIndex]?.operationName ?? null;
  })()`);

/**
 * A tab is open once its query is in the editor and is what runs: what is typed or pressed before is the last one's, or
 * lost. Not for a tab whose query doesn't parse: nothing in it would run.
 */
const openTab = async (name: string): Promise<void> => {
  await page.locator(`.graphiql-tab-button[title="${name}"]`).click();
  await page.locator('.graphiql-tab-active', { hasText: name }).waitFor();
  await eventually(async () => expect(await textIn('.graphiql-query-editor')).toContain(name));
  await eventually(async () => expect(await operation()).toBe(name));
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

/** What the page asks for itself is not what was pressed for. */
const isPressed = (request: Request): boolean =>
  new URL(request.url()).pathname === '/graphql' && request.postData()?.includes('IntrospectionQuery') !== true;

/** It has another label while a query runs: then it stops that. */
const executeButton = () => page.locator('button[aria-label^="Execute"]');

/** Presses the button until it asks: on a busy machine that can come before the page knows what stands in the editor. */
const press = async (): Promise<Response> => {
  const asked = await eventually(async () => {
    await executeButton().waitFor();
    const [request] = await Promise.all([page.waitForRequest(isPressed, { timeout: 10_000 }), executeButton().click()]);
    return request;
  });
  const response = await asked.response();
  if (response === null) throw new Error(`No answer: ${asked.failure()?.errorText ?? asked.url()}`);
  return response;
};

/** Answers what came back, once the page shows it. */
const execute = async (shown: string) => {
  const { data } = JSON.parse(await (await press()).text());
  await page.locator('.graphiql-response', { hasText: shown }).waitFor();
  return data;
};

describe('GraphiQL in a browser', () => {
  it('the scenario, tab by tab -> registered, logged in, ordered, paid, confirmed; nobody else is asked', async () => {
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
    // Of all tabs from now on.
    expect(await page.locator('#authorization').inputValue()).toBe(`Bearer ${token}`);

    await openTab('CreateOrder');
    const order = (await execute('pending')).createOrder;
    expect(order).toMatchObject({ status: 'pending', totalAmount: 999.99 });
    await eventually(async () => {
      expect((await rest('GET', `/payments/order/${order.id}`, { token })).status).toBe(200);
    });

    await openTab('Orders');
    const [listed] = (await execute('"hasMore"')).orders.data;
    expect(listed).toMatchObject({ user: { email }, payment: { status: 'pending', amount: 999.99 } });

    await openTab('ProcessPayment');
    await type(
      '.graphiql-query-editor',
      `mutation ProcessPayment { processPayment(id: "${listed.payment.id}") { status } }`,
    );
    expect((await execute('success')).processPayment.status).toBe('success');
    await eventually(async () => {
      expect((await rest('GET', `/orders/${order.id}`, { token })).body.data.status).toBe('confirmed');
    });

    await openTab('Me');
    expect((await execute('confirmed')).me.orders).toMatchObject([{ id: order.id, status: 'confirmed' }]);

    await openTab('OrderUpdated');
    await type('.graphiql-query-editor', `subscription OrderUpdated { orderUpdated(id: "${order.id}") { status } }`);
    await press();
    await rest('PATCH', `/orders/${order.id}/status`, { token, body: { status: 'cancelled' } });
    await page.locator('.graphiql-response', { hasText: 'cancelled' }).waitFor();

    expect({ foreignRequests, complaints }).toEqual({ foreignRequests: [], complaints: [] });
  });

  it('a syntax error -> what is wrong, and no stack trace', async () => {
    await openTab('Me');
    await type('.graphiql-query-editor', 'query Me { me { id }');
    await eventually(async () => {
      await executeButton().click();
      await page.locator('.graphiql-response', { hasText: 'Syntax' }).waitFor({ timeout: 10_000 });
    });

    expect(await textIn('.graphiql-response')).not.toMatch(/stack|\.js:\d/);
  });

  it('the token -> in no storage that outlives the session, and gone from it with the logout', async () => {
    const stored = await page.evaluate('JSON.stringify(localStorage)');
    expect(stored).not.toMatch(/eyJ|Bearer/);
    expect(await page.evaluate('sessionStorage.getItem("authorization")')).toMatch(/^Bearer eyJ/);

    await openTab('Register');
    await type('.graphiql-query-editor', 'mutation Register { logout }');
    await execute('true');

    expect(await page.locator('#authorization').inputValue()).toBe('');
    expect(await page.evaluate('sessionStorage.getItem("authorization")')).toBeNull();
  });

  it('a token alone, typed into the field -> meant as one, also after a reload', async () => {
    const { token, email } = await register();
    await page.locator('#authorization').fill(token);
    await page.reload();
    await page.locator('.graphiql-query-editor .view-lines').waitFor();

    await openTab('Login');
    await type('.graphiql-query-editor', 'query Login { me { email } }');

    expect((await execute(email)).me.email).toBe(email);
  });

  it('the untouched page, reloaded twice -> the same tabs, the same one active, and its query', async () => {
    const fresh = await (await browser.newContext()).newPage();
    const titles = async () => ({
      all: await fresh.locator('.graphiql-tab-button').allInnerTexts(),
      active: await fresh.locator('.graphiql-tab-active').innerText(),
    });
    const load = async (go: () => Promise<unknown>) => {
      await go();
      await fresh.locator('.graphiql-query-editor .view-line', { hasText: 'Register' }).first().waitFor();
    };
    await load(() => fresh.goto(urls.nginx));
    const first = await titles();
    expect(first).toMatchObject({ active: 'Register' });
    await eventually(async () =>
      expect(await fresh.evaluate('localStorage.getItem("graphiql:tabState")')).toBeTruthy(),
    );

    await load(() => fresh.reload());
    expect(await titles()).toEqual(first);
    await load(() => fresh.reload());
    expect(await titles()).toEqual(first);
    await fresh.context().close();
  });

  it.each(['by its settings', 'by the system'])('switched to dark %s -> readable at once', async (way) => {
    const fresh = await (await browser.newContext({ colorScheme: 'light' })).newPage();
    await fresh.goto(urls.nginx);
    await fresh.locator('.graphiql-query-editor .view-line', { hasText: 'Register' }).first().waitFor();
    /** Of the text and of what is behind it, from 0 to 255. */
    const brightness = () =>
      fresh.evaluate<number[]>(`['.graphiql-query-editor .view-line span span', '#authorization']
        .map((name) => getComputedStyle(document.querySelector(name)).color)
        .concat(getComputedStyle(document.querySelector('.graphiql-query-editor')).backgroundColor)
        .map((color) => color.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part) / 3, 0))`);

    if (way === 'by the system') await fresh.emulateMedia({ colorScheme: 'dark' });
    else {
      await fresh.locator('button[aria-label="Open settings dialog"]').click();
      await fresh.getByRole('button', { name: 'Dark' }).click();
    }

    await eventually(async () => {
      const [query, field, behind] = await brightness();
      expect(behind).toBeLessThan(100);
      expect(Math.min(query ?? 0, field ?? 0)).toBeGreaterThan(120);
    });
    await fresh.context().close();
  });
});
