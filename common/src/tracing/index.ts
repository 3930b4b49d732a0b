export { continueTrace, currentTraceparent } from './trace-context.js';
