import { invalid, refine, valid, type Rule } from './rule.js';
import { rawText } from './raw-text.js';

/** bcrypt reads so many bytes, and ignores the rest silently. */
const MAX_BYTES = 72;
const MIN_BYTES = 8;

const fits = (password: string, min: number): boolean => {
  const bytes = Buffer.byteLength(password);
  return bytes >= min && bytes <= MAX_BYTES;
};

const secret = { format: 'password', writeOnly: true, examples: ['correct horse battery'] };

/** The same password from every keyboard: RFC 8265, OpaqueString. */
const opaqueString = (raw: string): string => raw.replace(/\p{Zs}/gu, ' ').normalize('NFC');

/** A new password, in the form that is hashed. */
export const password = (): Rule<string> =>
  refine(
    rawText,
    (raw) => {
      const value = opaqueString(raw);
      if (/\p{Cc}/u.test(value)) return invalid('must not contain control characters');
      return fits(value, MIN_BYTES) ? valid(value) : invalid(`must have ${MIN_BYTES} to ${MAX_BYTES} bytes`);
    },
    {
      ...secret,
      minLength: MIN_BYTES,
      maxLength: MAX_BYTES,
      pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$',
      description: `${MIN_BYTES} to ${MAX_BYTES} bytes of UTF-8, without control characters.`,
    },
  );

/**
 * What somebody takes for its password; it may well be shorter than any that can be chosen. First in the form in which it
 * is hashed now; then, where that is another one, as it was typed: it was hashed so before.
 */
export const presentedPassword = (): Rule<readonly string[]> =>
  refine(
    rawText,
    (raw) => {
      const forms = [...new Set([opaqueString(raw), raw])].filter((form) => fits(form, 1));
      return forms.length > 0 ? valid(forms) : invalid(`must have 1 to ${MAX_BYTES} bytes`);
    },
    { ...secret, minLength: 1, maxLength: MAX_BYTES },
  );
