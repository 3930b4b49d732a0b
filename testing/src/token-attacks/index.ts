export {
  createVictim,
  genuineToken,
  revocationsOf,
  revokedTokens,
  withMirroredSignature,
  type TokenVictim,
} from './forged-tokens.js';
export { authorizationAttacks } from './authorization-attacks.js';
export { tokenAttacks } from './token-attacks.js';
