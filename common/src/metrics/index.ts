export { createMetrics, DURATION_BUCKETS, sharedMetrics, type Metrics } from './metrics.js';
