export { createLogger, lostLogLines, type LogFacts, type Logger } from './logger.js';
export { redact } from './redact.js';
export { currentScope, runInScope, type RequestScope } from './request-scope.js';
