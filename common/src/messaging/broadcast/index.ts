// What a process without a database needs of messaging: it loads neither Prisma nor pg.
export { buildAsyncApi } from '../asyncapi.js';
export { EventBroadcast } from '../event-broadcast.js';
export { RevocationStream } from '../revocation-stream.js';
export { createTopology, type EventTopology } from '../topology.js';
