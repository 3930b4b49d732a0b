import type { KeyObject } from 'node:crypto';
import type { Express } from 'express';
import { auditActions } from '@shop/common/contracts';
import { auditRoutes, buildServiceApp, type AuditTrailReader, type ServiceAppOptions } from '@shop/common/http';
import { serveDiscovery } from './sessions/discovery.js';
import type { SessionHandler } from './sessions/session.handler.js';
import { sessionRoutes } from './sessions/session.routes.js';
import type { UserHandler } from './users/user.handler.js';
import { userRoutes } from './users/user.routes.js';

/** Everything that the HTTP face is built from. */
export type AppParts = Omit<ServiceAppOptions, 'routes' | 'extend'> & {
  publicKeys: readonly KeyObject[];
  tokenIssuer: string;
  sessions: SessionHandler;
  users: UserHandler;
  auditTrail: AuditTrailReader;
};

export const buildApp = ({ publicKeys, tokenIssuer, sessions, users, auditTrail, ...parts }: AppParts): Express =>
  buildServiceApp({
    ...parts,
    extend: (app) => serveDiscovery(app, { publicKeys, issuer: tokenIssuer }),
    routes: {
      '/api/v1/users': [
        ...sessionRoutes(sessions),
        ...auditRoutes(auditTrail, auditActions.user),
        ...userRoutes(users),
      ],
    },
  });
