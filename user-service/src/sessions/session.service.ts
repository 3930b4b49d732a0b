import type { Actor, RevocationList } from '@shop/common/auth';
import type { AuditEntry } from '@shop/common/contracts';
import type { AuditTrail } from '@shop/common/database';
import type { Precondition } from '@shop/common/errors';
import type { Settlement } from '../throttling/attempt-budget.repository.js';
import { TooManyAttempts } from '../throttling/throttle.errors.js';
import type { Throttle } from '../throttling/throttle.service.js';
import { registered } from '../users/user.audit.js';
import { EmailTaken, UserNotFound } from '../users/user.errors.js';
import { userCreated } from '../users/user.events.js';
import { createUser, type User } from '../users/user.js';
import type { PasswordHasher } from '../users/password-hasher.js';
import type { UserRepository } from '../users/user.repository.js';
import type { UserService } from '../users/user.service.js';
import type { AccessTokenIssuer } from './access-token-issuer.js';
import type { RefreshTokens } from './refresh-tokens.js';
import { evicted, loggedIn, loggedOut, loginFailed, refreshTokenReused, type LoginFailure } from './session.audit.js';
import { InvalidCredentials, InvalidRefreshToken, UserDeactivated, WrongCurrentPassword } from './session.errors.js';
import { sessionRevoked } from './session.events.js';
import { forgottenBefore, verdictOf, startSession, type NewSession, type PresentedToken } from './session.js';
import type { SessionRepository } from './session.repository.js';

export interface Registration {
  email: string;
  password: string;
  firstName: string;
  lastName: string;
}

export interface Credentials {
  email: string;
  /** In each form that may have been hashed, today's first. */
  password: readonly string[];
}

export interface PasswordChange {
  /** As in Credentials. */
  current: readonly string[];
  new: string;
}

/** What a login brings. */
export interface Login {
  readonly user: User;
  readonly accessToken: string;
  /** The access token's lifetime in seconds. */
  readonly expiresIn: number;
  readonly refreshToken: string;
}

export interface SessionServiceParts {
  users: UserRepository;
  userService: UserService;
  sessions: SessionRepository;
  passwords: PasswordHasher;
  accessTokens: AccessTokenIssuer;
  refreshTokens: RefreshTokens;
  throttle: Throttle;
  auditTrail: Pick<AuditTrail, 'note'>;
  /** What stands for an e-mail address in the audit trail. */
  hashOfEmail: (email: string) => string;
  /** Milliseconds. */
  accessTokenLifetime: number;
  /** This process's own list: it needn't wait for its events to come back. */
  revocations: RevocationList;
  newId: () => string;
  clock: () => Date;
}

/** Logins, or refresh tokens, that are forgotten at a time. */
const PURGE_BATCH = 1_000;

export class SessionService {
  readonly #parts: SessionServiceParts;

  constructor(parts: SessionServiceParts) {
    this.#parts = parts;
  }

  /** Throws EmailTaken, RateLimited, ServiceUnavailable. */
  async register(registration: Registration): Promise<Login> {
    const { throttle, passwords } = this.#parts;
    return throttle.register(registration.email, () => passwords.inTurn(() => this.#registerUser(registration)));
  }

  /** Throws InvalidCredentials, UserDeactivated, RateLimited, ServiceUnavailable. */
  async login(credentials: Credentials): Promise<Login> {
    const { throttle, users, passwords } = this.#parts;
    const { email } = credentials;
    try {
      return await throttle.login(
        email,
        (budgets) => users.findForLogin(email, budgets),
        ({ candidates }, settlement) => passwords.inTurn(() => this.#checkTwice(credentials, candidates, settlement)),
      );
    } catch (error) {
      // Of those refused in a row the first one only: whoever goes on trying can't fill the trail.
      if (error instanceof TooManyAttempts && error.isFirst) {
        await this.#noteFailedLogin('throttled', email);
      }
      throw error;
    }
  }

  /**
   * A new pair for a refresh token. One that was replaced long ago ends its whole login.
   * Throws InvalidRefreshToken, RateLimited.
   */
  async refresh(token: string): Promise<Login> {
    const { throttle, sessions, refreshTokens, clock } = this.#parts;
    const now = clock();
    const hash = refreshTokens.hashOf(token);
    const successor = refreshTokens.successorOf(token);
    const successorHash = refreshTokens.hashOf(successor);
    const { claimed } = await throttle.refresh((budget) => sessions.replace({ hash, successorHash, now, budget }));
    if (claimed !== undefined) return this.#login(claimed.user, claimed.sessionId, successor);
    const presented = await sessions.findToken(hash);
    if (presented === undefined) throw new InvalidRefreshToken();
    return this.#checked(presented, token, now);
  }

  async logOut(actor: Actor): Promise<void> {
    const { id: userId, sessionId } = actor;
    await this.#end({ userId, sessionId }, 'logout', loggedOut(actor, sessionId));
  }

  /**
   * Ends every login of the caller, this one too, and starts another.
   * Throws WrongCurrentPassword, UserChangedMeanwhile, PreconditionFailed, RateLimited, ServiceUnavailable.
   */
  async changePassword(actor: Actor, passwordChange: PasswordChange, precondition?: Precondition): Promise<Login> {
    const { throttle, passwords } = this.#parts;
    return throttle.changePassword(actor.id, () =>
      passwords.inTurn(() => this.#replacePassword(actor, passwordChange, precondition)),
    );
  }

  /** Forgets logins that were over long ago. True: there may be more of them. */
  async purgeExpired(): Promise<boolean> {
    const { sessions, accessTokenLifetime, clock } = this.#parts;
    return sessions.purge({ overBefore: forgottenBefore(clock(), accessTokenLifetime), limit: PURGE_BATCH });
  }

  async #registerUser({ email, password, firstName, lastName }: Registration): Promise<Login> {
    const { users, passwords, newId, clock } = this.#parts;
    if ((await users.findByEmail(email)).length > 0) throw new EmailTaken();
    const passwordHash = await passwords.hash(password);
    const user = createUser({ id: newId(), email, passwordHash, firstName, lastName, role: 'user' }, clock());
    const { session, refreshToken } = this.#newSession();
    await users.add(user, { events: [userCreated(user)], audit: [registered(user)], session });
    return this.#login(user, session.id, refreshToken);
  }

  /** A second look for one who logged in elsewhere at the same time, and whose hash was renewed by that. */
  async #checkTwice(credentials: Credentials, candidates: readonly User[], settlement: Settlement): Promise<Login> {
    const { email } = credentials;
    const login =
      (await this.#checkPassword(credentials, candidates, settlement)) ??
      (await this.#checkPassword(credentials, await this.#parts.users.findByEmail(email), settlement));
    if (login !== undefined) return login;
    await this.#noteFailedLogin('wrong_credentials', email);
    throw new InvalidCredentials();
  }

  /** undefined: the user was changed while its password was checked. */
  async #checkPassword(
    { email, password }: Credentials,
    candidates: readonly User[],
    settlement: Settlement,
  ): Promise<Login | undefined> {
    const { sessions } = this.#parts;
    const authenticated = await this.#whoseIs(password, candidates);
    if (authenticated === undefined) {
      await this.#noteFailedLogin('wrong_credentials', email, candidates[0]);
      throw new InvalidCredentials();
    }
    const { user: found, matched } = authenticated;
    if (!found.isActive) {
      await this.#noteFailedLogin('deactivated', email, found);
      throw new UserDeactivated();
    }
    const { session, refreshToken } = this.#newSession();
    const audit = loggedIn(found, session.id);
    const started = await sessions.start({ user: found, session, audit, settlement });
    if (started === undefined) return undefined;
    const { user, surplus } = started;
    for (const sessionId of surplus) {
      await this.#end({ userId: user.id, sessionId }, 'logout', evicted(user, sessionId));
    }
    await this.#renewHash(user, { matched, today: password[0] ?? matched });
    return this.#login(user, session.id, refreshToken);
  }

  /** The user that has the password, and the form of it that was hashed. Without any user it takes as long as with one. */
  async #whoseIs(
    password: readonly string[],
    candidates: readonly User[],
  ): Promise<{ user: User; matched: string } | undefined> {
    const { passwords } = this.#parts;
    if (candidates.length === 0) await passwords.findMatch(password, undefined);
    for (const user of candidates) {
      const matched = await passwords.findMatch(password, user.passwordHash);
      if (matched !== undefined) return { user, matched };
    }
    return undefined;
  }

  /** Brings a hash of another cost, or of another form of the password, to today's, now that it is at hand. */
  async #renewHash(user: User, { matched, today }: { matched: string; today: string }): Promise<void> {
    const { users, passwords } = this.#parts;
    if (matched !== today || passwords.isOutdated(user.passwordHash)) {
      await users.renewHash(user, await passwords.hash(today));
    }
  }

  async #replacePassword(
    actor: Actor,
    passwordChange: PasswordChange,
    precondition: Precondition | undefined,
  ): Promise<Login> {
    const { users, userService, passwords } = this.#parts;
    const before = await users.find(actor.id);
    if (before === undefined) throw new UserNotFound();
    precondition?.(before.version);
    const matched = await passwords.findMatch(passwordChange.current, before.passwordHash);
    if (matched === undefined) throw new WrongCurrentPassword();
    const passwordHash = await passwords.hash(passwordChange.new);
    const { session, refreshToken } = this.#newSession();
    const user = await userService.changePassword(before, passwordHash, { session, precondition });
    return this.#login(user, session.id, refreshToken);
  }

  async #checked(presented: PresentedToken, token: string, now: Date): Promise<Login> {
    const { user, sessionId } = presented;
    const verdict = verdictOf(presented, now);
    const successor = verdict === 'repeated' ? await this.#handedOut(token) : undefined;
    if (successor !== undefined) return this.#login(user, sessionId, successor);
    if (verdict === 'reused') {
      await this.#end({ userId: user.id, sessionId }, 'reuse', refreshTokenReused(user, sessionId));
    }
    throw new InvalidRefreshToken();
  }

  /** The successor that a token was replaced by. Undefined where that was computed with a secret that is unknown here. */
  async #handedOut(token: string): Promise<string | undefined> {
    const { sessions, refreshTokens } = this.#parts;
    for (const successor of refreshTokens.possibleSuccessorsOf(token)) {
      if ((await sessions.findToken(refreshTokens.hashOf(successor))) !== undefined) return successor;
    }
    return undefined;
  }

  /** It changes nothing, so nothing else is written of it. */
  async #noteFailedLogin(reason: LoginFailure, email: string, user?: User): Promise<void> {
    const { auditTrail, hashOfEmail } = this.#parts;
    await auditTrail.note(loginFailed(reason, { user, emailHash: hashOfEmail(email) }));
  }

  async #end(
    session: { userId: string; sessionId: string },
    reason: 'logout' | 'reuse',
    entry: AuditEntry,
  ): Promise<void> {
    const { sessions, revocations, clock } = this.#parts;
    const events = [sessionRevoked(session, reason)];
    await sessions.end(session.sessionId, { reason, at: clock(), events, audit: [entry] });
    revocations.add({ userId: session.userId, sid: session.sessionId });
  }

  #newSession(): { session: NewSession; refreshToken: string } {
    const { refreshTokens, newId, clock } = this.#parts;
    const refreshToken = refreshTokens.create();
    const refreshTokenHash = refreshTokens.hashOf(refreshToken);
    return { refreshToken, session: startSession({ id: newId(), refreshTokenHash }, clock()) };
  }

  #login(user: User, sessionId: string, refreshToken: string): Login {
    const { accessTokens } = this.#parts;
    return {
      user,
      accessToken: accessTokens.issue(user, sessionId),
      expiresIn: accessTokens.expiresIn,
      refreshToken,
    };
  }
}
