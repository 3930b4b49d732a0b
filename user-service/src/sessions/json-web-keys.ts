import type { KeyObject } from 'node:crypto';
import { jwkThumbprint } from '@shop/common/auth';
import { MethodNotAllowed } from '@shop/common/errors';
import { markRoute } from '@shop/common/http';
import type { RequestHandler, Router } from 'express';

const MAX_AGE_SECONDS = 300;

/** The keys that access tokens are verified with, as RFC 7517 writes them. */
const keySetOf = (publicKeys: readonly KeyObject[]) => ({
  keys: publicKeys.map((key) => ({
    ...key.export({ format: 'jwk' }),
    kid: jwkThumbprint(key),
    alg: 'ES256',
    use: 'sig',
  })),
});

/** GET /.well-known/jwks.json, the same for everybody, so it may be cached. */
export function serveKeys(router: Router, publicKeys: readonly KeyObject[]): void {
  const keySet = keySetOf(publicKeys);
  const showKeys: RequestHandler = (_request, response) => {
    response.set('Cache-Control', `public, max-age=${MAX_AGE_SECONDS}`).json(keySet);
  };
  router
    .route('/.well-known/jwks.json')
    .all(markRoute('/.well-known/jwks.json'))
    .get(showKeys)
    .all(() => {
      throw new MethodNotAllowed(['GET', 'HEAD']);
    });
}
