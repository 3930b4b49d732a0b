import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const value = z.union([
  z.object({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
  z.object({ intValue: z.coerce.number() }).transform(({ intValue }) => intValue),
  z.object({ doubleValue: z.number() }).transform(({ doubleValue }) => doubleValue),
  z.object({ boolValue: z.boolean() }).transform(({ boolValue }) => boolValue),
]);
const attributes = z
  .array(z.object({ key: z.string(), value }))
  .default([])
  .transform((pairs) => Object.fromEntries(pairs.map(({ key, value: its }) => [key, its])));

/** https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
const exportRequest = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z.string().optional(),
              name: z.string(),
              kind: z.int(),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
              attributes,
              status: z.object({ code: z.int().default(0) }),
            }),
          ),
        }),
      ),
    }),
  ),
});

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const ERROR = 2;

export interface CollectedSpan {
  /** Of the process that made it. */
  service: unknown;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  kind: (typeof KINDS)[number];
  /** Milliseconds since the epoch. */
  start: number;
  end: number;
  attributes: Record<string, string | number | boolean>;
  isFailed: boolean;
}

export interface TraceCollector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  /** All that came so far. */
  readonly spans: readonly CollectedSpan[];
  /** What came, word for word. */
  readonly bodies: readonly string[];
  stop(): Promise<void>;
}

/** A collector of OpenTelemetry's, as far as spans in OTLP over HTTP in JSON go; what is no such thing is refused. */
export async function startTraceCollector(): Promise<TraceCollector> {
  const spans: CollectedSpan[] = [];
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const parsed = request.url === '/v1/traces' ? exportRequest.safeParse(JSON.parse(body)) : undefined;
      response.setHeader('content-type', 'application/json');
      if (parsed?.success !== true) {
        response.writeHead(400).end('{}');
        return;
      }
      bodies.push(body);
      for (const { resource, scopeSpans } of parsed.data.resourceSpans) {
        const service = resource.attributes['service.name'];
        for (const span of scopeSpans.flatMap((scope) => scope.spans)) spans.push(toCollected(service, span));
      }
      response.end('{}');
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Span = z.infer<typeof exportRequest>['resourceSpans'][number]['scopeSpans'][number]['spans'][number];

const toCollected = (service: unknown, span: Span): CollectedSpan => ({
  service,
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId || undefined,
  name: span.name,
  kind: KINDS[span.kind] ?? 'unspecified',
  start: Number(BigInt(span.startTimeUnixNano) / 1_000n) / 1_000,
  end: Number(BigInt(span.endTimeUnixNano) / 1_000n) / 1_000,
  attributes: span.attributes,
  isFailed: span.status.code === ERROR,
});
