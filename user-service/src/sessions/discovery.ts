import type { KeyObject } from 'node:crypto';
import { jwkThumbprint } from '@shop/common/config';
import type { PublicDocument } from '@shop/common/http';
import { z } from 'zod';

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

/** Of RFC 7517. */
const keySetSchema = z.object({
  keys: z.array(
    z.object({
      kty: z.string(),
      crv: z.string(),
      x: z.string(),
      y: z.string(),
      kid: z.string(),
      alg: z.literal('ES256'),
      use: z.literal('sig'),
    }),
  ),
});

/** Of RFC 8414. */
const metadataSchema = z.object({
  issuer: z.string(),
  jwks_uri: z.url(),
  response_types_supported: z.array(z.string()),
  grant_types_supported: z.array(z.string()),
  token_endpoint_auth_methods_supported: z.array(z.string()),
  subject_types_supported: z.array(z.string()),
  id_token_signing_alg_values_supported: z.array(z.string()),
});

/** The keys and discovery documents below /.well-known. */
export function discoveryDocuments({
  publicKeys,
  issuer,
}: {
  publicKeys: readonly KeyObject[];
  issuer: string;
}): readonly PublicDocument[] {
  const metadata = { schema: metadataSchema, content: metadataOf(issuer), maxAgeSeconds: MAX_AGE_SECONDS };
  // RFC 8414, 3.1: the path of an issuer that has one stands behind the name.
  const path = new URL(issuer).pathname.replace(/\/$/, '');
  return [
    {
      path: KEYS_PATH,
      id: 'getKeys',
      summary: 'The keys that access tokens are verified with',
      schema: keySetSchema,
      content: keySetOf(publicKeys),
      maxAgeSeconds: MAX_AGE_SECONDS,
    },
    {
      ...metadata,
      path: `/.well-known/oauth-authorization-server${path}`,
      id: 'getAuthorizationServer',
      summary: 'Who issues access tokens (RFC 8414)',
    },
    {
      ...metadata,
      path: `/.well-known/openid-configuration${path}`,
      id: 'getOpenIdConfiguration',
      summary: 'The same, where libraries of OpenID Connect look for it',
    },
  ];
}
