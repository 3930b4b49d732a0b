export { type Actor } from './actor.js';
export { AccessTokenVerifier, accessTokenClaims, type AccessTokenClaims } from './access-token-verifier.js';
export { REVOCATION_MARGIN, RevocationList, type Revocation } from './revocation-list.js';
