import { Admission, buildOpenApi, createRateLimit, documentRouter, swaggerUi } from '@shop/common/http';
import { buildAsyncApi, EventBroadcast } from '@shop/common/messaging/broadcast';
import { WindowCounts, type Siblings } from '@shop/common/process';
import { createHost, packageVersion, type RunningHost } from '@shop/common/service/host';
import { buildApp } from './app.js';
import { eventsPageRouter } from './events-page.js';
import type { Config } from './config.js';
import { DocumentBudget } from './document-budget.js';
import { perService, serviceKeys, services as knownServices } from './features.js';
import { graphiqlRouter } from './graphiql/graphiql.js';
import { offeredDescriptions, openApiRouter } from './openapi.js';
import { PersonalDataExporter } from './personal-data/personal-data.exporter.js';
import { personalDataRoutes } from './personal-data/personal-data.routes.js';
import { serviceProbe } from './probes.js';
import { buildListener, refusalBody } from './request-listener.js';
import { buildSchema } from './schema.js';
import { schemaRouter } from './schema-document.js';
import { OpenSubscriptions } from './subscriptions/open-subscriptions.js';
import { Upstream } from './upstream-work.js';
import { buildYoga, graphqlPaths } from './yoga.js';

export type RunningGateway = RunningHost;

/** Builds and starts the gateway. It serves while the broker and the services are down. */
export async function startGateway(config: Config, siblings?: Siblings): Promise<RunningGateway> {
  const host = await createHost({ name: 'gateway', version: packageVersion(import.meta.url), config, siblings });
  const { name: service, version, logger, metrics, tracing, broker, verifier, revocationStream } = host;

  const asyncApi = () => buildAsyncApi({ version, topology: host.topology });
  const clientOf = (name: string, url: string) => host.createClient({ name, url, timeout: config.upstreamTimeout });
  const serviceNames = serviceKeys.map((key) => knownServices[key].name);
  const services = perService((key) => clientOf(knownServices[key].name, config.serviceUrls[key]));

  const subscriptions = new OpenSubscriptions({ verifier, limits: config.subscriptionLimits, metrics });
  const eventBroadcast = new EventBroadcast({
    connection: broker,
    queue: host.topology.gatewaySubscriptions,
    isWanted: () => subscriptions.isFollowed,
    onEvent: (event) => subscriptions.receive(event),
    onBegin: () => subscriptions.refresh(),
    logger,
  });

  const upstream = new Upstream(config.upstreamLimits);
  const requestsPerSecond = config.requestsPerSecond;
  const counts = siblings ?? new WindowCounts();
  const routes = personalDataRoutes(new PersonalDataExporter({ services, upstream }));

  const app = buildApp({
    service,
    version,
    logger,
    metrics,
    probes: {
      ...Object.fromEntries(serviceKeys.map((key) => [knownServices[key].name, serviceProbe(services[key])])),
      ...host.probes,
    },
    isStopping: () => host.isStopping(),
    routes,
    gates: { verifier, admission: new Admission({ requestsPerSecond, counts }), once: undefined },
    documents: [
      config.graphiqlEnabled ? await graphiqlRouter(['/', ...graphqlPaths]) : undefined,
      config.introspectionEnabled ? schemaRouter(buildSchema()) : undefined,
      openApiRouter(
        serviceKeys.map((key) => ({ name: knownServices[key].name, client: services[key] })),
        () => buildOpenApi({ service, version, routes }),
      ),
      documentRouter('/asyncapi.json', asyncApi),
      ...(config.apiDocsEnabled ? [swaggerUi(offeredDescriptions(serviceNames)), eventsPageRouter(asyncApi)] : []),
    ],
  });
  const yoga = buildYoga({
    services,
    upstream,
    documentBudget: new DocumentBudget({ limits: config.documentLimits, metrics }),
    subscriptions,
    verifier,
    logger,
    metrics,
    tracing,
    introspectionEnabled: config.introspectionEnabled,
    requestTimeout: config.requestTimeout,
  });
  const listener = buildListener({
    app,
    yoga,
    verifier,
    limitRate: createRateLimit({ perSecond: requestsPerSecond, counts }),
    graphiqlEnabled: config.graphiqlEnabled,
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    logger,
    metrics,
    tracing,
  });

  return host.run([
    ...Object.values(services).map((client) => ({ stop: () => client.close() })),
    broker,
    revocationStream,
    eventBroadcast,
    host.server(listener, { queues: Object.values(services).map(({ queue }) => queue), bodyOf: refusalBody }),
    { stop: () => subscriptions.close() },
  ]);
}
