import { describe, expect, it } from '@jest/globals';
import {
  allowInsecureRequests,
  discoveryRequest,
  processDiscoveryResponse,
  validateJwtAccessToken,
  type AuthorizationServer,
} from 'oauth4webapi';
import { register, urls } from './support/system.js';

const audience = 'shop';
const overHttp = { [allowInsecureRequests]: true } as const;

/** nginx, by the name that people know. */
const issuer = urls.nginx.replace('127.0.0.1', 'localhost');

/** As a resource server elsewhere would: it knows the issuer, and asks for all else. */
const discover = async (algorithm: 'oauth2' | 'oidc'): Promise<AuthorizationServer> => {
  const place = new URL(issuer);
  return processDiscoveryResponse(place, await discoveryRequest(place, { algorithm, ...overHttp }));
};

const requestWith = (token: string): Request =>
  new Request('https://elsewhere.example/orders', { headers: { authorization: `Bearer ${token}` } });

describe('a strict library that knows our issuer alone', () => {
  it.each(['oauth2', 'oidc'] as const)('%s discovery -> verifies our access tokens by RFC 9068', async (algorithm) => {
    const { token, id } = await register();
    const server = await discover(algorithm);

    const claims = await validateJwtAccessToken(server, requestWith(token), audience, overHttp);

    expect(claims).toMatchObject({ iss: issuer, aud: audience, sub: id, client_id: 'shop' });
  });

  it('another audience, or a token that was altered -> refused', async () => {
    const { token } = await register();
    const server = await discover('oauth2');
    const [header, payload = '', signature] = token.split('.');
    const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), role: 'admin' };
    const altered = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');

    await expect(validateJwtAccessToken(server, requestWith(token), 'elsewhere', overHttp)).rejects.toThrow();
    await expect(validateJwtAccessToken(server, requestWith(altered), audience, overHttp)).rejects.toThrow();
  });

  it('the documents -> may be kept by caches; what a login answers may not', async () => {
    for (const name of ['jwks.json', 'oauth-authorization-server', 'openid-configuration']) {
      const answer = await fetch(`${urls.nginx}/.well-known/${name}`);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=300']);
    }
    const login = await fetch(`${urls.nginx}/api/v1/users/login`, { method: 'POST' });
    expect(login.headers.get('cache-control')).toBe('no-store');
  });
});
