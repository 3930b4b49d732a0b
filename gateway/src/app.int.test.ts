import { expect, it } from '@jest/globals';
import { AccessTokenVerifier, RevocationList } from '@shop/common/auth';
import { Admission, buildOpenApi, documentRouter, swaggerUi } from '@shop/common/http';
import { createLogger } from '@shop/common/logger';
import { buildAsyncApi, createTopology } from '@shop/common/messaging';
import { createMetrics } from '@shop/common/metrics';
import { createTestTokens, openOperations, operationsOf } from '@shop/testing';
import { buildApp } from './app.js';
import { eventsPageRouter } from './events-page.js';
import { graphiqlRouter } from './graphiql/graphiql.js';
import { openApiRouter } from './openapi.js';
import { personalDataRoutes } from './personal-data/personal-data.routes.js';
import { buildSchema } from './schema.js';
import { schemaRouter } from './schema-document.js';

it('what the gateway answers beside GraphQL -> the export, which is described, and what is for everybody; nothing else', async () => {
  const topology = createTopology({ accessTokenLifetime: 3_600_000 });
  const events = () => buildAsyncApi({ version: '1.0.0', topology });
  const routes = personalDataRoutes({ export: async () => undefined });
  const revocations = new RevocationList({ lifetime: 3_600_000 });
  const app = buildApp({
    routes,
    gates: {
      verifier: new AccessTokenVerifier({ ...createTestTokens(), revocations }),
      admission: new Admission({ requestsPerSecond: 100, counts: undefined }),
      once: undefined,
    },
    service: 'gateway',
    version: '1.0.0',
    logger: createLogger({ service: 'gateway', level: 'error' }),
    metrics: createMetrics({ service: 'gateway' }),
    probes: {},
    isStopping: () => false,
    documents: [
      await graphiqlRouter(['/', '/graphql', '/query']),
      schemaRouter(buildSchema()),
      openApiRouter([], () => buildOpenApi({ service: 'gateway', version: '1.0.0', routes })),
      documentRouter('/asyncapi.json', events),
      eventsPageRouter(events),
      swaggerUi([]),
    ],
  });
  const operations = operationsOf(app);
  const isAsset = (operation: string) => /^GET \/(graphiql|docs\/[\w.-]+)\/[\w.-]+\.(js|css)$/.test(operation);
  expect(operations.filter(isAsset)).toHaveLength(6);
  expect(operations.filter((operation) => !isAsset(operation))).toEqual(
    [
      ...openOperations,
      'GET /',
      'GET /:id/export',
      'GET /docs',
      'GET /docs/events',
      'GET /graphql',
      'GET /query',
      'GET /schema.graphql',
    ].toSorted(),
  );
});
