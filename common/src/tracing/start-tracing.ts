import type { Logger } from '../logger/index.js';
import type { Tracing, TracingOptions } from './tracing.js';

/** Resolves to undefined where `options` name no collector. */
export async function startTracing(
  options: TracingOptions | undefined,
  process: { service: string; version: string; logger: Logger },
): Promise<Tracing | undefined> {
  if (options === undefined) return undefined;
  // Loaded only where it is used: it takes time and memory.
  const { OtlpTracing } = await import('./otlp-tracing.js');
  return new OtlpTracing(options, process);
}
