import { readAs, type Setting } from '@shop/common/config';

/** Bytes that a secret has as Standard Webhooks wants it; production asks for 256 bits, as of every secret. */
const BYTES = { min: 24, max: 64, production: 32 };
const FORM = /^whsec_[A-Za-z0-9+/]+={0,2}$/;

const partsOf = (value: string): string[] => value.split(',').map((part) => part.trim());
const bytesOf = (secret: string): Buffer => Buffer.from(secret.replace('whsec_', ''), 'base64');

function isSecret(text: string): boolean {
  const { length } = bytesOf(text);
  return FORM.test(text) && length >= BYTES.min && length <= BYTES.max;
}

/**
 * Secrets for webhooks as Standard Webhooks writes them, separated by commas while they rotate. Production refuses the
 * examples and anything under 32 bytes.
 */
export const webhookSecrets = ({ examples }: { examples: readonly string[] }): Setting<[Buffer, ...Buffer[]]> => ({
  ...readAs<[Buffer, ...Buffer[]]>((value) => {
    const parts = partsOf(value);
    const [first, ...others] = parts.map(bytesOf);
    return first !== undefined && parts.every(isSecret) ? [first, ...others] : undefined;
  }, `must be whsec_ and the base64 of ${BYTES.min} to ${BYTES.max} bytes; several with commas between`),
  isSecret: true,
  productionFault: (value) => {
    const parts = partsOf(value);
    if (parts.some((part) => examples.includes(part))) return 'has the example value, which production refuses';
    const isShort = parts.some((part) => bytesOf(part).length < BYTES.production);
    return isShort ? `must have at least ${BYTES.production} bytes each in production` : undefined;
  },
});
