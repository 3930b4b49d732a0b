const REDACTED = '[redacted]';
const MAX_DEPTH = 8;
const MAX_STRING = 10_000;

const secretKey =
  /pass(word|wd|phrase)?|secret|token|authorization|cookie|credential|private.?key|api.?key|signature|card|cvc|cvv|iban/i;
const secretText: readonly [RegExp, string][] = [
  [/eyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g, REDACTED], // a JWT
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, `$1 ${REDACTED}`],
  [/(\w+:\/\/[^\s:/@]+):[^\s@/]+@/g, `$1:${REDACTED}@`], // a password in a URL
];

const redactText = (text: string): string =>
  secretText.reduce(
    (result, [pattern, replacement]) => result.replace(pattern, replacement),
    text.slice(0, MAX_STRING),
  );

/**
 * A copy of a value that is fit for a log: secrets by name and by form are gone, errors are plain objects with stack and
 * causes, bigints are text, and cycles and depth are bounded.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (value === null || typeof value !== 'object') return value;
  if (depth >= MAX_DEPTH) return '[too deep]';
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return `[${value.length} bytes]`;
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const plain: Record<string, unknown> = {};
  if (value instanceof Error) {
    plain.name = value.name;
    plain.message = redactText(value.message);
    plain.stack = redactText(value.stack ?? '');
    if (value.cause !== undefined) plain.cause = redact(value.cause, depth + 1);
  }
  return { ...plain, ...redactFacts(value, depth) };
}

/** As `redact`, of an object whose own entries are wanted. */
export function redactFacts(facts: object, depth = 0): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([key, item]: [string, unknown]) => [
      key,
      secretKey.test(key) && item !== undefined && item !== null ? REDACTED : redact(item, depth + 1),
    ]),
  );
}
