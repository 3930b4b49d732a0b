export { createMetrics, DURATION_BUCKETS, sharedFigures, type Metrics } from './metrics.js';
