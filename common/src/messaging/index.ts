export { type InboundEvent } from '../database/index.js';
export { buildAsyncApi } from './asyncapi.js';
export { deadLetterHeaders } from './dead-letter-headers.js';
export { EventBroadcast, type EventBroadcastOptions } from './event-broadcast.js';
export { EventConsumer, type EventConsumerOptions, type EventHandler, type EventHandlers } from './event-consumer.js';
export { countSkippedEvents } from './messaging-metrics.js';
export { OutboxRelay, type OutboxRelayOptions, type PublishedEvent } from './outbox-relay.js';
export { RevocationStream, type RevocationStreamOptions } from './revocation-stream.js';
export { createTopology, type EventTopology } from './topology.js';
