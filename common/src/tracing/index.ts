export { continueTrace, currentTraceparent } from './trace-context.js';
export { startTracing } from './start-tracing.js';
export type { OpenSpan, SpanAttributes, SpanEnd, SpanStart, Tracing, TracingOptions } from './tracing.js';
