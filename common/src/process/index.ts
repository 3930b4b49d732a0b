export { InFlight } from './in-flight.js';
export { messageOf, processOutput, runCommand, UsageError, type CommandOutput } from './command.js';
export { runProcess } from './run-process.js';
export { Siblings } from './siblings.js';
export { COUNT_WINDOW, WindowCounts, type Count, type Counts } from './window-counts.js';
