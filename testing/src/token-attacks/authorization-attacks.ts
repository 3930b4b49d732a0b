import { genuineToken, type TokenVictim } from './forged-tokens.js';
import { tokenAttacks } from './token-attacks.js';

export interface HeaderAttack {
  readonly name: string;
  /** The Authorization header, or several of them, around a token that is accepted by itself. */
  readonly header: (token: string) => string | string[];
}

/** Ways to present a token that nobody may accept, however good the token is. */
export const headerAttacks: readonly HeaderAttack[] = [
  { name: 'no scheme', header: (token) => token },
  { name: 'the scheme alone', header: () => 'Bearer' },
  { name: 'scheme Basic', header: (token) => `Basic ${Buffer.from(`user:${token}`).toString('base64')}` },
  { name: 'scheme Token', header: (token) => `Token ${token}` },
  { name: 'a scheme that starts like ours', header: (token) => `BearerX ${token}` },
  { name: 'two tokens behind each other', header: (token) => `Bearer ${token} ${token}` },
  { name: 'two tokens with a comma', header: (token) => `Bearer ${token}, Bearer ${token}` },
  { name: 'two headers, the first one bad', header: (token) => ['Bearer bad', `Bearer ${token}`] },
  { name: 'a tab for a space', header: (token) => `Bearer\t${token}` },
  { name: 'a space within the token', header: (token) => `Bearer ${token.slice(0, 20)} ${token.slice(20)}` },
  { name: 'the token in quotes', header: (token) => `Bearer "${token}"` },
  { name: 'the token as a parameter', header: (token) => `Bearer token=${token}` },
];

/** Every attack as it comes over HTTP: what the Authorization header, or each of several, says. */
export const authorizationAttacks: readonly { name: string; header: (victim: TokenVictim) => string | string[] }[] = [
  ...tokenAttacks.map(({ name, token }) => ({
    name: `a token that ${name}`,
    header: (victim: TokenVictim) => `Bearer ${token(victim)}`,
  })),
  ...headerAttacks.map(({ name, header }) => ({
    name,
    header: (victim: TokenVictim) => header(genuineToken(victim)),
  })),
];
