import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { WebhookNotGenuine } from './webhook-reader.js';
import { signatureOf, verifiedId } from './webhook-signature.js';

const secret = randomBytes(32);
/** The library of Standard Webhooks itself, which knows nothing of our code. */
const library = new Webhook(`whsec_${secret.toString('base64')}`);
const now = new Date('2026-01-31T12:00:00.500Z');

function signed(changes: { body?: string; at?: Date; id?: string } = {}) {
  const { body = '{"type":"charge.succeeded"}', at = now, id = 'msg_1' } = changes;
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const headers: Record<string, string> = {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': library.sign(id, at, body),
  };
  return { headers, body: Buffer.from(body) };
}

const verify = (request: ReturnType<typeof signed>, secrets = [secret]) => verifiedId(request, { secrets, now });
const secondsLater = (seconds: number) => new Date(now.getTime() + seconds * 1_000);

describe('a webhook', () => {
  it('whatever the library signs -> accepted, and what we sign is the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\w.-]{1,50}$/), (body, id) => {
        const request = signed({ body, id });
        expect(verify(request)).toBe(id);
        const timestamp = request.headers['webhook-timestamp'] ?? '';
        const ours = `v1,${signatureOf({ id, timestamp, body: request.body }, secret)}`;
        expect(ours).toBe(request.headers['webhook-signature']);
      }),
    );
  });

  it('while secrets rotate -> either is good, and so is either signature', () => {
    const request = signed();
    expect(verify(request, [randomBytes(32), secret])).toBe('msg_1');
    expect(verify(request, [secret, randomBytes(32)])).toBe('msg_1');
    const both = `v1,${randomBytes(32).toString('base64')} v2,x ${request.headers['webhook-signature']}`;
    expect(verify({ ...request, headers: { ...request.headers, 'webhook-signature': both } })).toBe('msg_1');
  });

  it.each([-300, 0, 300])('%d s off -> accepted', (seconds) => {
    expect(verify(signed({ at: secondsLater(seconds) }))).toBe('msg_1');
  });

  it.each([-301, 301])('%d s off -> refused', (seconds) => {
    expect(() => verify(signed({ at: secondsLater(seconds) }))).toThrow(WebhookNotGenuine);
  });

  const change = (name: string, value: string | undefined) => {
    const request = signed();
    const headers = { ...request.headers, [name]: value };
    // A header that isn't there is not the same as an empty one.
    if (value === undefined) Reflect.deleteProperty(headers, name);
    return { ...request, headers } as ReturnType<typeof signed>;
  };
  const other = new Webhook(`whsec_${randomBytes(32).toString('base64')}`);

  it.each([
    ['without an id', change('webhook-id', undefined)],
    ['without a time', change('webhook-timestamp', undefined)],
    ['without a signature', change('webhook-signature', undefined)],
    ['with an empty signature', change('webhook-signature', '')],
    ['with another id', change('webhook-id', 'msg_2')],
    ['with another time', change('webhook-timestamp', String(now.getTime() / 1_000 + 1))],
    ['with a time that is none', change('webhook-timestamp', '17e8')],
    [
      'with a signature without its version',
      change('webhook-signature', signed().headers['webhook-signature']!.slice(3)),
    ],
    ['with a signature of another version', change('webhook-signature', 'v2,AAAA')],
    [
      'signed with another secret',
      change('webhook-signature', other.sign('msg_1', now, '{"type":"charge.succeeded"}')),
    ],
    ['with another body', { ...signed(), body: Buffer.from('{"type":"charge.succeeded" }') }],
  ])('%s -> refused', (_what, request) => {
    expect(() => verify(request)).toThrow(WebhookNotGenuine);
  });
});
