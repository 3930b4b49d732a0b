const REDACTED = '[redacted]';
const MAX_DEPTH = 8;
const MAX_STRING = 10_000;

/** `detail` is where PostgreSQL's errors quote rows. */
const secretKey =
  /pass(word|wd|phrase)?|secret|token|authorization|cookie|credential|private.?key|api.?key|signature|card|cvc|cvv|iban|^detail$/i;

/** From its `eyJ` on, which is `{"` in Base64url. Not one expression: that would go over a long text again and again. */
const withoutToken = (run: string): string => {
  const start = run.indexOf('eyJ');
  const isToken = start >= 0 && run.slice(start).split('.').length >= 3;
  return isToken ? `${run.slice(0, start)}${REDACTED}` : run;
};

/** What every secret has that is known by its form: most texts of a log have none of it, and one look says so. */
const MAY_HOLD_SECRET = /eyJ|bearer|basic|:\/\//i;

function redactText(whole: string): string {
  const text = whole.length > MAX_STRING ? whole.slice(0, MAX_STRING) : whole;
  if (!MAY_HOLD_SECRET.test(text)) return text;
  return text
    .replace(/[\w.-]+/g, withoutToken)
    .replace(/\b(bearer|basic)\s+[\w.~+/=-]+/gi, `$1 ${REDACTED}`)
    .replace(/:\/\/([^\s:/@]*):[^\s@/]+@/g, `://$1:${REDACTED}@`); // a password in a URL
}

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
  if (!(value instanceof Error)) return redactFacts(value, depth);
  // pg's pool hangs a whole connection on errors.
  const facts = Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'client'));
  return {
    name: value.name,
    message: redactText(value.message),
    stack: redactText(value.stack ?? ''),
    ...(value.cause !== undefined && { cause: redact(value.cause, depth + 1) }),
    ...redactFacts(facts, depth),
  };
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
