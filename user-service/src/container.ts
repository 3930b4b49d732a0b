import { randomUUIDv7 as newId } from 'node:crypto';
import { addressBlock, auditRoutes } from '@shop/common/http';
import { currentScope } from '@shop/common/logger';
import type { Siblings } from '@shop/common/process';
import { BackgroundWorker, packageVersion, startService, type RunningService } from '@shop/common/service';
import type { Config } from './config.js';
import { createDatabase } from './database.js';
import { PersonalDataHandler } from './personal-data/personal-data.handler.js';
import { personalDataRoutes } from './personal-data/personal-data.routes.js';
import { PersonalDataService } from './personal-data/personal-data.service.js';
import { AccessTokenIssuer } from './sessions/access-token-issuer.js';
import { discoveryDocuments } from './sessions/discovery.js';
import { createEmailHash } from './sessions/email-hash.js';
import { RefreshTokens } from './sessions/refresh-tokens.js';
import { SessionHandler } from './sessions/session.handler.js';
import { SessionRepository } from './sessions/session.repository.js';
import { sessionRoutes } from './sessions/session.routes.js';
import { SessionService } from './sessions/session.service.js';
import { AttemptBudgetRepository } from './throttling/attempt-budget.repository.js';
import { Throttle } from './throttling/throttle.service.js';
import { ensureFirstAdmin } from './users/admins.js';
import { AnonymisingRepository } from './users/anonymising.repository.js';
import { AnonymisingService } from './users/anonymising.service.js';
import { HashingQueue } from './users/hashing-queue.js';
import { exposeHashing } from './users/hashing-metrics.js';
import { PasswordHasher } from './users/password-hasher.js';
import { countUserEvents } from './users/user.metrics.js';
import { UserHandler } from './users/user.handler.js';
import { UserRepository } from './users/user.repository.js';
import { userRoutes } from './users/user.routes.js';
import { UserService } from './users/user.service.js';

/** Milliseconds between two looks for rows that are past their time. */
const PURGE_POLL = 600_000;
/** Likewise, for users to anonymise. */
const ANONYMISING_POLL = 60_000;
/**
 * Logins and the like whose limits are looked up: one after the other, so that a burst of them is no burst of queries that
 * everything else has to wait behind; how many may be in line, and for how many milliseconds.
 */
const ATTEMPTS = { atOnce: 1, maxWaiting: 500, maxWait: 5_000 };
/** Refreshes, likewise: those that come at once are one query. */
const REFRESHES = { ...ATTEMPTS, atOnce: 32 };

/** Builds and starts the whole service. It serves while the broker is down; it rejects when its database is. */
export const startUserService = (
  config: Config,
  { clock = () => new Date(), siblings }: { clock?: () => Date; siblings?: Siblings | undefined } = {},
): Promise<RunningService> =>
  startService({
    name: 'user-service',
    version: packageVersion(import.meta.url),
    config,
    siblings,
    createDatabase,
    countPublished: countUserEvents,
    build: ({ logger, metrics, database, store, auditTrail, revocations }) => {
      const { publicKeys, privateKey, tokenIssuer: issuer, tokenAudience: audience, firstAdmin } = config;
      const { accessTokenLifetime, refreshTokenSecret: secret, otherRefreshTokenSecret: otherSecret } = config;
      const passwords = new PasswordHasher({ cost: config.bcryptCost, processes: config.workers });
      exposeHashing(metrics, passwords);
      const users = new UserRepository({ database, store });
      const userService = new UserService({ users, revocations, clock });
      const sessions = new SessionRepository({ database, store });
      const personalData = new PersonalDataService({ users: userService, sessions, auditTrail, clock });
      const attemptBudgets = new AttemptBudgetRepository({ database });
      const sessionService = new SessionService({
        users,
        userService,
        sessions,
        passwords,
        accessTokens: new AccessTokenIssuer({ privateKey, issuer, audience, accessTokenLifetime, newId, clock }),
        refreshTokens: new RefreshTokens({ secret, otherSecret }),
        throttle: new Throttle({
          limits: config.attemptLimits,
          budgets: attemptBudgets,
          gate: new HashingQueue(ATTEMPTS),
          refreshGate: new HashingQueue(REFRESHES),
          clientAddress: () => addressBlock(currentScope()?.clientAddress),
        }),
        auditTrail,
        hashOfEmail: createEmailHash({ secret }),
        accessTokenLifetime,
        revocations,
        newId,
        clock,
      });
      const anonymising = new AnonymisingService({
        repository: new AnonymisingRepository({ store, adminEmail: firstAdmin?.email }),
        retention: config.personalDataRetention,
        clock,
      });
      const purge = (name: string, work: () => Promise<boolean>, poll = PURGE_POLL) =>
        new BackgroundWorker({ name, work, poll, logger });
      return {
        documents: discoveryDocuments({ publicKeys, issuer }),
        routes: {
          '/api/v1/users': [
            ...sessionRoutes(new SessionHandler(sessionService)),
            ...auditRoutes(auditTrail, 'user'),
            ...personalDataRoutes(new PersonalDataHandler(personalData)),
            ...userRoutes(new UserHandler(userService)),
          ],
        },
        prepare: async () => {
          if (firstAdmin) await ensureFirstAdmin({ ...firstAdmin, users, passwords, newId, clock, logger });
        },
        clearPersonalData: async () => false, // what is its own was cleared when the user became anonymous
        workers: [
          purge('users to anonymise', () => anonymising.anonymiseDue(), ANONYMISING_POLL),
          purge('budgets that are full again', () => attemptBudgets.purge()),
          purge('old logins', () => sessionService.purgeExpired()),
        ],
        resources: [{ stop: () => passwords.close() }],
      };
    },
  });
