import { domainToASCII, domainToUnicode } from 'node:url';

/** Of a host name, or of the beginning of one; `node:url` reads more than that. */
const DOMAIN = /^[\p{L}\p{M}\p{N}.-]+$/u;

/**
 * How an address, or the beginning of one, may stand in the table: its domain in ASCII, or in Unicode, as it was kept
 * before the canonical form was. One form for all but domains with other letters than ASCII's.
 */
export function storedForms(email: string): readonly string[] {
  const at = email.lastIndexOf('@') + 1;
  const domain = email.slice(at);
  if (at === 0 || !DOMAIN.test(domain)) return [email];
  const ascii = domainToASCII(domain);
  if (!ascii.includes('xn--')) return [email];
  return [...new Set([email, email.slice(0, at) + ascii, email.slice(0, at) + domainToUnicode(ascii)])];
}
