export { eventually } from './eventually.js';
export { createTestBroker, type TestBroker } from './test-broker.js';
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './test-database.js';
export { startServiceProcess, type ServiceProcess } from './service-process.js';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
export { createTestTokens, type TestTokens } from './test-tokens.js';
