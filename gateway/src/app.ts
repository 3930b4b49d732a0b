import type { Express, Router } from 'express';
import {
  baseApp,
  buildRouter,
  errorHandler,
  healthRouter,
  notFound,
  type Gates,
  type HealthOptions,
  type Route,
} from '@shop/common/http';

export type AppParts = HealthOptions & {
  /** undefined where GraphiQL is off. */
  graphiql: Router | undefined;
  /** undefined where introspection is off. */
  schemaDocument: Router | undefined;
  /** What the gateway answers over REST itself, by the path that it stands below. */
  routes: Readonly<Record<string, readonly Route[]>>;
  gates: Gates;
  /** The description of what the services answer. */
  openApi: Router;
  /** The description of the events. */
  asyncApi: Router;
  /** undefined where it is off. */
  swaggerUi: Router | undefined;
  /** undefined where it is off. */
  eventsPage: Router | undefined;
};

/** Everything that isn't GraphQL itself. What every answer needs (ids, headers, metrics) is done before. */
export function buildApp({
  graphiql,
  schemaDocument,
  routes,
  gates,
  openApi,
  asyncApi,
  swaggerUi,
  eventsPage,
  ...parts
}: AppParts): Express {
  const app = baseApp();
  app.use(healthRouter(parts));
  if (graphiql) app.use(graphiql);
  if (schemaDocument) app.use(schemaDocument);
  for (const [path, table] of Object.entries(routes)) app.use(path, buildRouter(path, table, gates));
  app.use(openApi);
  app.use(asyncApi);
  if (swaggerUi) app.use(swaggerUi);
  if (eventsPage) app.use(eventsPage);
  app.use(notFound);
  app.use(errorHandler(parts.logger));
  return app;
}
