import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TLSSocket } from 'node:tls';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CertificateFiles } from '../stack/certificate.ts';
import { makeCertificate } from '../stack/make-certificate.ts';
import { startEdge, type Edge } from './test/edge.ts';

const HOST = 'shop.example.com';
const strictTransport = expect.stringMatching(/^max-age=31536000\b/);

let directory: string;
let certificate: CertificateFiles;
let edge: Edge;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-certificate-'));
  certificate = makeCertificate(directory, [HOST, 'localhost', '127.0.0.1', '::1']);
  edge = await startEdge({ certificate, allowedHosts: HOST });
  for (const upstream of [edge.gateway, edge.orders, edge.payments]) {
    upstream.respond((_call, response) => void response.end('{}'));
  }
});
afterAll(async () => {
  await edge.stop();
  rmSync(directory, { recursive: true });
});

interface SecureAnswer {
  status: number | undefined;
  headers: NodeJS.Dict<string | string[]>;
  protocol: string | null;
  cipher: string;
  text: string;
}

interface SecureQuestion {
  host?: string;
  method?: string;
  minVersion?: 'TLSv1';
  maxVersion?: 'TLSv1.1' | 'TLSv1.2';
  ciphers?: string;
}

/** Asks by TLS, as a client does that trusts the certificate and looks at its name. */
const askSecurely = (target: string, { host = HOST, ...options }: SecureQuestion = {}) =>
  new Promise<SecureAnswer>((resolve, reject) => {
    const ca = readFileSync(certificate.certificate);
    const at = { host: '127.0.0.1', port: edge.tlsPort, servername: host, headers: { host } };
    const sent = request({ ...at, path: target, ca, agent: false, ...options }, (response) => {
      if (!(response.socket instanceof TLSSocket)) throw new Error('without TLS');
      const [protocol, cipher] = [response.socket.getProtocol(), response.socket.getCipher().name];
      const { statusCode: status, headers } = response;
      text(response).then((content) => resolve({ status, headers, protocol, cipher, text: content }), reject);
    });
    sent.on('error', reject);
    sent.end();
  });

describe('with a certificate', () => {
  it('GraphQL and REST by https -> reach the services, which learn so', async () => {
    expect(await askSecurely('/graphql?query=a')).toMatchObject({ status: 200, protocol: 'TLSv1.3', text: '{}' });
    expect(await askSecurely('/api/v1/orders', { host: 'localhost', method: 'POST' })).toMatchObject({ status: 200 });
    for (const upstream of [edge.gateway, edge.orders]) {
      expect(upstream.calls.at(-1)).toMatchObject({ headers: { 'x-forwarded-proto': 'https' } });
    }
  });

  it('several requests by HTTP/2 -> answered over one connection', async () => {
    const session = connect(`https://127.0.0.1:${edge.tlsPort}`, {
      ca: readFileSync(certificate.certificate),
      servername: HOST,
    });
    const ask = async (method: string, target: string) => {
      const stream = session.request({ ':method': method, ':path': target, ':authority': HOST });
      stream.end();
      const status = new Promise((resolve, reject) => {
        stream.on('response', (headers) => resolve(headers[':status']));
        stream.on('error', reject);
      });
      return [await status, await text(stream)];
    };
    const answers = await Promise.all([ask('GET', '/graphql?query=b'), ask('POST', '/api/v1/orders'), ask('GET', '/')]);
    const protocol = session.alpnProtocol;
    session.close();

    expect(answers).toEqual([
      [200, '{}'],
      [200, '{}'],
      [200, '{}'],
    ]);
    expect(protocol).toBe('h2');
  });

  it('TLS 1.2 -> answered, with forward secrecy alone; anything older -> refused', async () => {
    expect(await askSecurely('/graphql', { maxVersion: 'TLSv1.2' })).toMatchObject({
      protocol: 'TLSv1.2',
      cipher: expect.stringMatching(/^ECDHE-.*(GCM|POLY1305)/),
    });
    for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-ECDSA-AES128-SHA']) {
      await expect(askSecurely('/graphql', { maxVersion: 'TLSv1.2', ciphers })).rejects.toThrow(/handshake failure/);
    }
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await expect(askSecurely('/graphql', old)).rejects.toThrow(/protocol version/);
  });

  it('any answer by https, also nginx’s own -> browsers are to stay with https; by http -> they are not', async () => {
    for (const target of ['/graphql?query=c', '/nothing']) {
      expect((await askSecurely(target)).headers).toMatchObject({ 'strict-transport-security': strictTransport });
    }
    expect((await edge.ask('/graphql')).headers).not.toHaveProperty('strict-transport-security');
  });

  it('a request by http -> sent to https by the name it came by, and no service is asked', async () => {
    const before = edge.gateway.calls.length;
    const answers = [];
    for (const host of [`${HOST}:80`, 'localhost', '[::1]:80']) {
      answers.push(await edge.ask('/graphql?query=%61&b', { method: 'POST', body: '{}', headers: { host } }));
    }
    expect(answers.map(({ status, headers }) => [status, headers.location])).toEqual([
      [308, `https://${HOST}:${edge.tlsPort}/graphql?query=%61&b`],
      [308, `https://localhost:${edge.tlsPort}/graphql?query=%61&b`],
      [308, `https://[::1]:${edge.tlsPort}/graphql?query=%61&b`],
    ]);
    expect(edge.gateway.calls).toHaveLength(before);
  });

  it('a foreign name by http -> refused, not sent anywhere', async () => {
    expect(await edge.ask('/', { headers: { host: 'attacker.example' } })).toMatchObject({ status: 421 });
  });

  it('a probe or a webhook by http -> answered, since its sender follows nobody', async () => {
    expect(await edge.ask('/health')).toMatchObject({ status: 200 });
    expect(await edge.ask('/api/v1/payments/webhooks/stripe', { method: 'POST', body: '{}' })).toMatchObject({
      status: 200,
    });
    expect(edge.payments.calls.at(-1)).toMatchObject({ headers: { 'x-forwarded-proto': 'http' } });
    expect(await edge.ask('/api/v1/payments')).toMatchObject({ status: 308 });
  });

  it('http to the port of https -> 400 in the form of all errors', async () => {
    const response = await fetch(`http://127.0.0.1:${edge.tlsPort}/`);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ success: false, error: { code: 'INVALID_INPUT' } });
  });
});
