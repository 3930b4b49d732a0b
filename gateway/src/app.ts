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
  /** What the gateway answers over REST itself, by the path that it stands below. */
  routes: Readonly<Record<string, readonly Route[]>>;
  gates: Gates;
  /** Pages and documents; undefined where one is off. */
  documents: readonly (Router | undefined)[];
};

/** Everything that isn't GraphQL itself. What every answer needs (ids, headers, metrics) is done before. */
export function buildApp({ routes, gates, documents, ...health }: AppParts): Express {
  const app = baseApp();
  app.use(healthRouter(health));
  for (const [path, table] of Object.entries(routes)) app.use(path, buildRouter(path, table, gates));
  for (const document of documents) if (document) app.use(document);
  app.use(notFound);
  app.use(errorHandler(health.logger));
  return app;
}
