import type { KeyObject } from 'node:crypto';
import { jwkThumbprint } from '@shop/common/config';
import { markRoute, readOnly } from '@shop/common/http';
import type { Router } from 'express';

const MAX_AGE_SECONDS = 300;
const KEYS_PATH = '/.well-known/jwks.json';

/** The keys that access tokens are verified with, as RFC 7517 writes them. */
const keySetOf = (publicKeys: readonly KeyObject[]) => ({
  keys: publicKeys.map((key) => ({
    ...key.export({ format: 'jwk' }),
    kid: jwkThumbprint(key),
    alg: 'ES256',
    use: 'sig',
  })),
});

/**
 * What others need to verify our access tokens: RFC 8414, and OpenID Connect Discovery for libraries that look there. Logins
 * are the API's own, no flow of OAuth's, so there is no grant and no endpoint for one.
 */
const metadataOf = (issuer: string) => ({
  issuer,
  jwks_uri: new URL(KEYS_PATH, issuer).href,
  response_types_supported: [],
  grant_types_supported: [],
  token_endpoint_auth_methods_supported: ['none'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['ES256'],
});

/** The keys and discovery documents below /.well-known, the same for everybody, so they may be cached. */
export function serveDiscovery(
  router: Router,
  { publicKeys, issuer }: { publicKeys: readonly KeyObject[]; issuer: string },
): void {
  const serve = (path: string, document: object): void => {
    router
      .route(path)
      .all(markRoute(path))
      .get((_request, response) => {
        response.set('Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`).json(document);
      })
      .all(readOnly);
  };
  serve(KEYS_PATH, keySetOf(publicKeys));
  // RFC 8414, 3.1: the path of an issuer that has one stands behind the name.
  const path = new URL(issuer).pathname.replace(/\/$/, '');
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    serve(`/.well-known/${name}${path}`, metadataOf(issuer));
  }
}
