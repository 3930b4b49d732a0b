export { continueTrace, currentTraceparent } from './trace-context.js';
export { startTracing } from './start-tracing.js';
export type { OpenSpan, SpanStart, Tracing } from './tracing.js';
