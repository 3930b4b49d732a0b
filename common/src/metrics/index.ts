export { createMetrics, sharedMetrics, type Metrics } from './metrics.js';
