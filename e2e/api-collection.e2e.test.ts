import { describe, expect, it } from '@jest/globals';
import { sendRequest } from '@shop/testing/api-client';
import { descriptionSchema, httpCollection } from '../stack/http-collection.ts';
import { eventually, settings, urls, type Answer } from './support/system.js';

/** A request of a collection: its name, its first line, headers and body, each with variables. */
function requestsOf(collection: string): { name: string; method: string; url: string; token: string; body: string }[] {
  return collection
    .split(/^### .*$/m)
    .slice(1)
    .map((text) => ({
      name: /^# @name (\w+)$/m.exec(text)?.[1] ?? '',
      method: /^([A-Z]+) \{\{host\}\}/m.exec(text)?.[1] ?? '',
      url: /^[A-Z]+ (\S+)$/m.exec(text)?.[1] ?? '',
      token: /^Authorization: Bearer (\S+)$/m.exec(text)?.[1] ?? '',
      body: /\n\n(\{.*\})\s*$/s.exec(text)?.[1] ?? '',
    }));
}

describe('the collection of requests', () => {
  it('its scenario, request by request as an editor sends it -> from registering to a refund', async () => {
    const { body }: Answer = await sendRequest(`${urls.gateway}/openapi.json`);
    const collection = httpCollection(descriptionSchema.parse(body), urls.nginx);
    const requests = requestsOf(collection);
    expect(new Set(requests.map(({ name }) => name)).size).toBe(requests.length);
    expect(requests.length).toBeGreaterThan(25);

    const variables = new Map(
      [...collection.matchAll(/^@(\w+) = (.*)$/gm)].map(([, name = '', text = '']) => [name, text]),
    );
    variables.set('email', `${crypto.randomUUID()}@example.com`);
    variables.set('adminEmail', settings.ADMIN_EMAIL ?? '');
    variables.set('adminPassword', settings.ADMIN_PASSWORD ?? '');
    const answers = new Map<string, unknown>();
    const fill = (text: string): string =>
      text.replaceAll(/\{\{([\w.]+)\}\}/g, (_, name: string) => {
        const [request = '', , , ...steps] = name.split('.');
        if (steps.length === 0) return fill(variables.get(name) ?? `no ${name}`);
        return String(steps.reduce<unknown>((part, step) => Object(part)[step], answers.get(request)));
      });

    const statuses: [string, number][] = [];
    for (const { name, method, url, token, body: sent } of requests.slice(0, 8)) {
      await eventually(async () => {
        const answer: Answer = await sendRequest(fill(url), {
          method,
          ...(token !== '' && { token: fill(token) }),
          ...(sent !== '' && { body: JSON.parse(fill(sent)) as unknown }),
        });
        if (name === 'getPaymentOfOrder') expect(answer.status).toBe(200); // it comes with an event
        answers.set(name, answer.body);
        statuses.push([name, answer.status]);
      });
    }
    expect(statuses).toEqual([
      ['register', 201],
      ['login', 200],
      ['placeOrder', 201],
      ['getOrder', 200],
      ['getPaymentOfOrder', 200],
      ['processPayment', 200],
      ['loginAsAdmin', 200],
      ['refundPayment', 200],
    ]);
  });
});
