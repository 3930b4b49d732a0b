export { BrokerConnection } from './broker-connection.js';
export { BrokerSession, type TakenMessage } from './broker-session.js';
export { PublishFailed, type Publisher } from './publisher.js';
export { type QueueInspector } from './queue-inspector.js';
export { type Delivery, type Subscription } from './subscription.js';
export {
  deadLetterQueueOf,
  destinationsOf,
  queuesOf,
  retryQueueOf,
  type StreamQueue,
  type Topology,
  type TransientQueue,
  type WorkQueue,
} from './topology.js';
export { backOff, pause, settlesWithin } from './waiting.js';
