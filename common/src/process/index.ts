export { runProcess, type RunningProcess } from './run-process.js';
export { Siblings } from './siblings.js';
export { COUNT_WINDOW, WindowCounts, type Count, type Counts } from './window-counts.js';
