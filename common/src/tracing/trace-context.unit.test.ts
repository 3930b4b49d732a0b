import { parseTraceParent } from '@opentelemetry/core';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { continueTrace } from './trace-context.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

const traceOf = (traceparent: string): { traceId: string; flags: string } => {
  const [, traceId = '', , flags = ''] = continueTrace(traceparent).split('-');
  return { traceId, flags };
};

describe('a step of a trace', () => {
  it.each([
    ['of this version', `00-${TRACE}-${SPAN}-01`],
    ['of a later version', `01-${TRACE}-${SPAN}-01`],
    ['of a later version with more fields', `cc-${TRACE}-${SPAN}-01-what-the-future-holds`],
  ])('a context %s -> the trace goes on, with a new span', (_name, traceparent) => {
    expect(continueTrace(traceparent)).toMatch(new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-01$`));
  });

  it.each([
    ['none', ''],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['more fields than version 00 has', `00-${TRACE}-${SPAN}-01-more`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ])('%s -> a new trace, not sampled', (_name, traceparent) => {
    const { traceId, flags } = traceOf(traceparent);
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(traceId).not.toBe(TRACE);
    expect(flags).toBe('00');
  });

  it('whatever comes -> is understood as OpenTelemetry does', () => {
    const hex = (length: number) =>
      fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdefF')), minLength: length, maxLength: length });
    const parts = fc.tuple(
      fc.oneof(fc.constantFrom('00', 'ff', '01'), hex(2)),
      fc.oneof(fc.constant('0'.repeat(32)), fc.constant(TRACE), hex(32)),
      fc.oneof(fc.constant('0'.repeat(16)), fc.constant(SPAN), hex(16)),
      hex(2),
    );
    fc.assert(
      fc.property(parts, fc.constantFrom('', '-', '-more', 'x'), (fields, rest) => {
        const traceparent = `${fields.join('-')}${rest}`;
        const known = parseTraceParent(traceparent);
        const { traceId, flags } = traceOf(traceparent);
        expect(traceId === fields[1]).toBe(known !== null);
        if (known !== null) expect(Number.parseInt(flags, 16)).toBe(known.traceFlags);
      }),
    );
  });
});
