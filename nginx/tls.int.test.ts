import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { reservePorts, type ReservedPorts } from '../stack/ports.ts';
import { startEdge, type Edge } from './test/edge.ts';

const HOST = 'shop.example.com';

let directory: string;
let reserved: ReservedPorts;
let edge: Edge;

/** What docs/edge.md says to do, but for the port and the place of the certificate. */
const withTls = (template: string): string => {
  const [head = '', tail = ''] = template.split('# --- TLS:');
  return (
    head +
    `# --- TLS:${tail}`
      .replace(/^( *)# ((?:server \{|\}|listen |return |ssl_).*| {4}(?:listen|return) .*)$/gm, '$1$2')
      .replace(/^ *listen \S+ default_server; # with TLS.*$/m, '')
      .replace('listen 443 ', `listen 127.0.0.1:${reserved.ports[0]} `)
      .replaceAll('/etc/ssl/shop/', `${directory}/`)
  );
};

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'shop-certificate-'));
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', `/CN=${HOST}`, '-addext', `subjectAltName=DNS:${HOST}`],
      ...['-keyout', path.join(directory, 'privkey.pem'), '-out', path.join(directory, 'fullchain.pem')],
    ],
    { stdio: 'ignore' },
  );
  reserved = await reservePorts(1);
  edge = await startEdge({ edit: withTls });
  edge.gateway.respond((_call, response) => void response.end('{}'));
});
afterAll(async () => {
  await edge.stop();
  await reserved.release();
  rmSync(directory, { recursive: true });
});

interface SecureAnswer {
  status: number | undefined;
  protocol: string | null;
  text: string;
}

/** Asks by TLS, as a client does that trusts the certificate and looks at its name. */
const askSecurely = (target: string, options: { minVersion?: 'TLSv1.2'; maxVersion?: 'TLSv1.1' | 'TLSv1.2' } = {}) =>
  new Promise<SecureAnswer>((resolve, reject) => {
    const ca = readFileSync(path.join(directory, 'fullchain.pem'));
    const sent = request(
      { host: '127.0.0.1', port: reserved.ports[0], servername: HOST, path: target, ca, agent: false, ...options },
      (response) => {
        const protocol = 'getProtocol' in response.socket ? (response.socket as TLSSocket).getProtocol() : null;
        text(response).then((content) => resolve({ status: response.statusCode, protocol, text: content }), reject);
      },
    );
    sent.on('error', reject);
    sent.end();
  });

describe('with the lines for TLS', () => {
  it('a request by https -> reaches the services, which learn so', async () => {
    const answer = await askSecurely('/graphql?query=a');

    expect(answer).toEqual({ status: 200, protocol: 'TLSv1.3', text: '{}' });
    expect(edge.gateway.calls.at(-1)).toMatchObject({
      url: '/graphql?query=a',
      headers: { 'x-forwarded-proto': 'https' },
    });
  });

  it('TLS 1.2 -> answered, anything older -> refused', async () => {
    expect((await askSecurely('/graphql', { maxVersion: 'TLSv1.2' })).protocol).toBe('TLSv1.2');
    await expect(askSecurely('/graphql', { maxVersion: 'TLSv1.1' })).rejects.toThrow();
  });

  it('a request by http -> sent to https, and no service is asked', async () => {
    const before = edge.gateway.calls.length;
    const answer = await edge.ask('/graphql?query=a', { method: 'POST', body: '{}' });

    expect([answer.status, answer.headers.location]).toEqual([308, `https://${HOST}/graphql?query=a`]);
    expect(edge.gateway.calls).toHaveLength(before);
  });

  it('http to the port of https -> 400 in the form of all errors', async () => {
    const response = await fetch(`http://127.0.0.1:${reserved.ports[0]}/`);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ success: false, error: { code: 'INVALID_INPUT' } });
  });
});
