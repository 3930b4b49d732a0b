type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanStart {
  /** Without ids or anything else that a client made up. */
  readonly name: string;
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /** W3C trace context of the step that this one is a part of; without a valid one a new trace begins. */
  readonly parent: string | undefined;
  /** Named as OpenTelemetry does: https://opentelemetry.io/docs/specs/semconv/registry/attributes/ */
  readonly attributes?: SpanAttributes;
}

interface SpanEnd {
  /** Where it is better known now than it was at the start. */
  readonly name?: string;
  readonly attributes?: SpanAttributes;
  /** What failed, in a word; undefined where nothing did. */
  readonly errorType?: string | undefined;
}

/** A step of a trace that has begun. */
export interface OpenSpan {
  /** W3C trace context of this step, for the steps that it consists of. */
  readonly traceparent: string;
  end(result?: SpanEnd): void;
}

/** Makes the spans of a process, and sends them to a collector. Whoever gets undefined in its place makes none, at no cost. */
export interface Tracing {
  open(start: SpanStart): OpenSpan;
  /** Sends what is left, for 3 s at most. */
  stop(): Promise<void>;
}

export interface TracingOptions {
  /** Base URL of a collector that takes OTLP over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
  readonly endpoint: string;
  /** The part of all traces that is kept, from 0 to 1. */
  readonly samplingRatio: number;
}
