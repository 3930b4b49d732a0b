export { eventually } from './eventually.js';
export { TIMEOUT, timeLimit } from './time-limits.js';
export { createTestBroker, type TestBroker } from './test-broker.js';
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './test-database.js';
export { hostEnvironment, testHostConfig, testServiceConfig } from './test-config.js';
export { createTestPool } from './test-pool.js';
export { ask, type Asked, type Received } from './ask.js';
export { startServiceProcess, type ServiceProcess } from './service-process.js';
export {
  excessOf,
  startCountedProcess,
  type CountedProcess,
  type CountedRequest,
  type Work,
} from './counted-process.js';
export { subscribe, type SubscribeRequest, type Subscriber, type SubscriptionResult } from './subscribe.js';
export { spoofedAddresses } from './spoofed-addresses.js';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
export { startTraceCollector, type CollectedSpan, type TraceCollector } from './trace-collector.js';
export { createTestTokens, type TestTokens } from './test-tokens.js';
export { createJsonOfRows, type JsonOfRows } from './json-of-rows.js';
export { stored } from './stored-values.js';
export { rowsRead, tablesOnDefaults } from './growth.js';
export { repeatAndShuffle } from './repeat-and-shuffle.js';
export { createEventSender, userAnonymisedEvent, type EventSender } from './event-sender.js';
export { revokeAccess } from './revoke-access.js';
export {
  authorizationAttacks,
  createVictim,
  genuineToken,
  revocationsOf,
  revokedTokens,
  tokenAttacks,
  type TokenVictim,
  withMirroredSignature,
} from './token-attacks/index.js';
export {
  attack,
  attackedRoutes,
  badRequests,
  spread,
  type AttackedRoute,
  type BadRequest,
  type JsonValue,
  type RouteTable,
} from './bad-input/index.js';
export { asyncApiFaults } from './asyncapi-faults.js';
export { schemaFaults } from './schema-faults.js';
export { fuzzed } from './fuzz.js';
export { sendRaw, type RawAnswer } from './raw-http.js';
export {
  cellsOf,
  createMatrixPeople,
  guarded,
  inWords,
  observe,
  open,
  openOperations,
  operationsOf,
  type MatrixCaller,
  type MatrixPeople,
  type MatrixRow,
  type MatrixTarget,
  type Scene,
} from './authorization-matrix.js';
export { bodyRowsOf, effectsOf, hostileFields, takesBody } from './mass-assignment.js';
export { addAuditEntry, auditTamperings } from './audit-trail.js';
export { ADDED_VALUE, asWrittenBy, versions, type Version } from './other-versions.js';
export { testOperation } from './test-operation.js';
export { DescribedAnswers } from './described-answers.js';
export { assertDescribedEvents, eventFault } from './described-events.js';
export { DescribedFetch } from './described-fetch.js';
export { sendExamples } from './described-examples.js';
export { descriptionFaults } from './description-faults.js';
export { lintDescription } from './lint-description.js';
export { keptDescription } from './kept-description.js';
export { readDescription } from './read-description.js';
