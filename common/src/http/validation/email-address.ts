import { domainToASCII } from 'node:url';
import validator from 'validator';
import { isAllVisible } from './visible-text.js';

/** RFC 5321, 4.5.3.1.3 */
export const MAX_EMAIL_LENGTH = 254;
/** Of a host name; domainToASCII reads more than that, such as `%` and `/`. */
const DOMAIN = /^[\p{L}\p{M}\p{N}.\u3002-]+$/u;

/**
 * The one form of an e-mail address, however it was typed: in lower case, the name in Unicode's form NFKC, the domain in
 * ASCII (`bücher.example` is `xn--bcher-kva.example`, UTS 46). undefined where it is none.
 */
export function canonicalEmail(raw: string): string | undefined {
  const trimmed = raw.trim();
  const text = trimmed.normalize('NFKC').toLowerCase().normalize('NFKC');
  const at = text.lastIndexOf('@');
  if (at === -1) return undefined;
  const domain = text.slice(at + 1);
  // What isn't seen could only make an address that looks like another.
  if (!isAllVisible(trimmed) || !isAllVisible(text) || !DOMAIN.test(domain)) return undefined;
  const address = `${text.slice(0, at)}@${domainToASCII(domain)}`;
  return address.length <= MAX_EMAIL_LENGTH && validator.isEmail(address) ? address : undefined;
}
