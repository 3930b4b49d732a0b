/** The headers of messages that were put aside or given up. */
export const deadLetterHeaders = {
  /** How often the handler was tried. The one place where tries are counted. */
  attempts: 'x-attempts',
  /** How often it was put off for what was not its fault; only for growing pauses. */
  deferrals: 'x-deferrals',
  reason: 'x-dead-letter-reason',
  error: 'x-dead-letter-error',
  stack: 'x-dead-letter-stack',
  time: 'x-dead-lettered-at',
} as const;

type Headers = Readonly<Record<string, unknown>>;

/** What the broker adds on a message's way; it belongs to that way, not to the message. */
const BROKER_HEADERS = /^x-(death|first-death-.*|last-death-.*|delivery-count|acquired-count|opt-.*)$/;
const OUR_HEADERS: ReadonlySet<string> = new Set(Object.values(deadLetterHeaders));

const countOf = (count: unknown): number => (typeof count === 'number' ? count : 0);

export const attemptsOf = (headers: Headers): number => countOf(headers[deadLetterHeaders.attempts]);

export const deferralsOf = (headers: Headers): number => countOf(headers[deadLetterHeaders.deferrals]);

/** Without what the broker has added on the way. */
export const withoutBrokerHeaders = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !BROKER_HEADERS.test(name)));

/** As the message was published first: its tries are counted from one again. */
export const originalHeaders = (headers: Headers): Headers =>
  Object.fromEntries(Object.entries(withoutBrokerHeaders(headers)).filter(([name]) => !OUR_HEADERS.has(name)));
