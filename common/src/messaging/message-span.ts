import type { DomainEvent } from '../contracts/index.js';
import type { SpanStart } from '../tracing/index.js';

const operations = {
  publish: { kind: 'producer', type: 'send' },
  process: { kind: 'consumer', type: 'process' },
} as const;

/**
 * The span of an event on its way, in the trace of the change that it describes, however long ago that was. Publication and
 * processing stand side by side there: the event carries the context of the change, whoever publishes it, and how often.
 * https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/
 */
export function messageSpan(
  operation: keyof typeof operations,
  destination: string,
  { id, type, traceparent }: Pick<DomainEvent, 'id' | 'type' | 'traceparent'>,
): SpanStart {
  const { kind, type: operationType } = operations[operation];
  return {
    name: `${operation} ${destination}`,
    kind,
    parent: traceparent,
    attributes: {
      'messaging.system': 'rabbitmq',
      'messaging.operation.name': operation,
      'messaging.operation.type': operationType,
      'messaging.destination.name': destination,
      'messaging.rabbitmq.destination.routing_key': type,
      'messaging.message.id': id,
    },
  };
}
