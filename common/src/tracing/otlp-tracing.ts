import { randomUUID } from 'node:crypto';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type Tracer } from '@opentelemetry/api';
import { ExportResultCode, parseTraceParent, type ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../logger/index.js';
import type { OpenSpan, SpanStart, Tracing, TracingOptions } from './tracing.js';

/** Milliseconds that the collector has for a batch. */
const EXPORT_TIMEOUT = 3_000;
/** Milliseconds that spans wait for others. */
const BATCH_PAUSE = 1_000;
/** Spans that wait at most; more are dropped. */
const MAX_WAITING = 8_192;
const MAX_ATTRIBUTE = 256;

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const satisfies Record<SpanStart['kind'], SpanKind>;

/** Says once that the collector takes nothing, and once that it does again. */
class ReportingExporter extends OTLPTraceExporter {
  readonly #logger: Logger;
  #isFailing = false;

  constructor(endpoint: string, logger: Logger) {
    super({ url: `${endpoint.replace(/\/$/, '')}/v1/traces`, timeoutMillis: EXPORT_TIMEOUT });
    this.#logger = logger;
  }

  override export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    super.export(spans, (result) => {
      const isFailing = result.code !== ExportResultCode.SUCCESS;
      if (isFailing && !this.#isFailing) this.#logger.warn('traces are lost', { err: result.error });
      if (!isFailing && this.#isFailing) this.#logger.info('traces are sent again');
      this.#isFailing = isFailing;
      done(result);
    });
  }
}

/**
 * Spans by OpenTelemetry's SDK. Whether a trace is kept is notified by its id alone: alike in every process, and nothing that a
 * client can ask for.
 */
export class OtlpTracing implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #logger: Logger;

  constructor(
    { endpoint, samplingRatio }: TracingOptions,
    { service, version, logger }: { service: string; version: string; logger: Logger },
  ) {
    this.#logger = logger;
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': service,
        'service.version': version,
        'service.instance.id': randomUUID(),
      }),
      sampler: new TraceIdRatioBasedSampler(samplingRatio),
      spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE },
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: new ReportingExporter(endpoint, logger),
          scheduledDelayMillis: BATCH_PAUSE,
          exportTimeoutMillis: EXPORT_TIMEOUT,
          maxQueueSize: MAX_WAITING,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer(service);
  }

  open({ name, kind, parent, attributes }: SpanStart): OpenSpan {
    const span = this.#tracer.startSpan(name, { kind: kinds[kind], attributes: { ...attributes } }, contextOf(parent));
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      traceparent: `00-${traceId}-${spanId}-0${traceFlags & 1}`,
      end: ({ name: finalName, attributes: more, errorType } = {}) => {
        if (finalName !== undefined) span.updateName(finalName);
        if (more !== undefined) span.setAttributes({ ...more });
        if (errorType !== undefined) {
          span.setAttribute('error.type', errorType);
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      },
    };
  }

  async stop(): Promise<void> {
    try {
      await this.#provider.shutdown();
    } catch (error) {
      this.#logger.warn('the last traces are lost', { err: error });
    }
  }
}

function contextOf(traceparent: string | undefined): Context {
  const parent = traceparent === undefined ? null : parseTraceParent(traceparent);
  return parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true });
}
