export interface SubscriptionResult {
  // Each test knows what it asked for.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  data?: any;
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

export interface Subscriber {
  readonly status: number;
  readonly headers: Headers;
  /** What came so far. */
  readonly results: readonly SubscriptionResult[];
  /** Lines that only keep the connection open. */
  readonly heartbeats: number;
  /** The server said that nothing more comes. */
  readonly isComplete: boolean;
  /** The connection ended, however. */
  readonly isClosed: boolean;
  /** Goes away, as a closed browser does. */
  leave(): void;
}

export interface SubscribeRequest {
  query: string;
  variables?: object;
  token?: string | undefined;
  method?: 'GET' | 'POST';
  headers?: Readonly<Record<string, string>>;
}

/** Subscribes over server-sent events (GraphQL over SSE, distinct connections); resolves once the answer begins. */
export async function subscribe(
  url: string,
  { query, variables = {}, token, method = 'POST', headers = {} }: SubscribeRequest,
): Promise<Subscriber> {
  const gone = new AbortController();
  const inAddress = new URLSearchParams({ query, variables: JSON.stringify(variables) }).toString();
  const response = await fetch(method === 'GET' ? `${url}?${inAddress}` : url, {
    method,
    headers: {
      accept: 'text/event-stream',
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: method === 'POST' ? JSON.stringify({ query, variables }) : null,
    signal: gone.signal,
  });
  const received = { results: new Array<SubscriptionResult>(), heartbeats: 0, isComplete: false, isClosed: false };
  const read = async (): Promise<void> => {
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const events = (text + chunk).split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const [, type] = /^event: (\w+)$/m.exec(event) ?? [];
        const [, data = ''] = /^data: ?(.*)$/m.exec(event) ?? [];
        if (type === 'next') received.results.push(JSON.parse(data) as SubscriptionResult);
        if (type === 'complete') received.isComplete = true;
        if (event.startsWith(':')) received.heartbeats++;
      }
    }
  };
  const close = (): void => void (received.isClosed = true);
  read().then(close, close); // cut off, by either side
  const { status, headers: answered } = response;
  return Object.assign(received, { status, headers: answered, leave: () => gone.abort() });
}
