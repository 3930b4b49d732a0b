import type { Actor, RevocationList } from '@shop/common/auth';
import { EmailTaken, UserNotFound } from '../users/user.errors.js';
import { userCreated } from '../users/user.events.js';
import { createUser, type User } from '../users/user.js';
import type { PasswordHasher } from '../users/password-hasher.js';
import type { UserRepository } from '../users/user.repository.js';
import type { UserService } from '../users/user.service.js';
import type { AccessTokenIssuer } from './access-token-issuer.js';
import type { RefreshTokens } from './refresh-tokens.js';
import { InvalidCredentials, InvalidRefreshToken, UserDeactivated, WrongCurrentPassword } from './session.errors.js';
import { sessionRevoked } from './session.events.js';
import { judge, startSession, type NewSession, type PresentedToken } from './session.js';
import type { SessionRepository } from './session.repository.js';

export interface Registration {
  email: string;
  password: string;
  firstName: string;
  lastName: string;
}

export interface Credentials {
  email: string;
  password: string;
}

/** What a log-in brings. */
export interface LogIn {
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
  /** This process's own list: it needn't wait for its events to come back. */
  revocations: RevocationList;
  newId: () => string;
  clock: () => Date;
}

export class SessionService {
  readonly #parts: SessionServiceParts;

  constructor(parts: SessionServiceParts) {
    this.#parts = parts;
  }

  /** Throws EmailTaken, ServiceUnavailable. */
  async register({ email, password, firstName, lastName }: Registration): Promise<LogIn> {
    const { users, passwords, newId, clock } = this.#parts;
    if ((await users.findByEmail(email)) !== undefined) throw new EmailTaken();
    const passwordHash = await passwords.hash(password);
    const user = createUser({ id: newId(), email, passwordHash, firstName, lastName, role: 'user' }, clock());
    const { session, refreshToken } = this.#newSession();
    await users.add(user, { events: [userCreated(user)], session });
    return this.#logIn(user, session.id, refreshToken);
  }

  /** Throws InvalidCredentials, UserDeactivated, ServiceUnavailable. */
  async logIn({ email, password }: Credentials): Promise<LogIn> {
    const { users, passwords, sessions } = this.#parts;
    const found = await users.findByEmail(email);
    const isRight = await passwords.matches(password, found?.passwordHash);
    if (found === undefined || !isRight) throw new InvalidCredentials();
    if (!found.isActive) throw new UserDeactivated();
    const { session, refreshToken } = this.#newSession();
    const user = await sessions.start(found, session);
    if (user === undefined) throw new InvalidCredentials();
    return this.#logIn(user, session.id, refreshToken);
  }

  /** A new pair for a refresh token. One that was replaced long ago ends its whole log-in. Throws InvalidRefreshToken. */
  async refresh(token: string): Promise<LogIn> {
    const { sessions, refreshTokens, clock } = this.#parts;
    const now = clock();
    const hash = refreshTokens.hashOf(token);
    const successor = refreshTokens.successorOf(token);
    const claimed = await sessions.replace({ hash, successorHash: refreshTokens.hashOf(successor) }, now);
    if (claimed !== undefined) return this.#logIn(claimed.user, claimed.sessionId, successor);
    const presented = await sessions.findToken(hash);
    if (presented === undefined) throw new InvalidRefreshToken();
    return this.#judged(presented, successor, now);
  }

  async logOut({ id: userId, sessionId }: Actor): Promise<void> {
    await this.#end({ userId, sessionId }, 'logout');
  }

  /**
   * Ends every log-in of the caller, this one too, and starts another.
   * Throws WrongCurrentPassword, UserChangedMeanwhile, ServiceUnavailable.
   */
  async changePassword(actor: Actor, passwordChange: { current: string; new: string }): Promise<LogIn> {
    const { users, userService, passwords } = this.#parts;
    const before = await users.find(actor.id);
    if (before === undefined) throw new UserNotFound();
    if (!(await passwords.matches(passwordChange.current, before.passwordHash))) throw new WrongCurrentPassword();
    const passwordHash = await passwords.hash(passwordChange.new);
    const { session, refreshToken } = this.#newSession();
    const user = await userService.changePassword(before, passwordHash, session);
    return this.#logIn(user, session.id, refreshToken);
  }

  async #judged(presented: PresentedToken, successor: string, now: Date): Promise<LogIn> {
    const { user, sessionId } = presented;
    const verdict = judge(presented, now);
    if (verdict === 'repeated') return this.#logIn(user, sessionId, successor);
    if (verdict === 'reused') await this.#end({ userId: user.id, sessionId }, 'reuse');
    throw new InvalidRefreshToken();
  }

  async #end(session: { userId: string; sessionId: string }, reason: 'logout' | 'reuse'): Promise<void> {
    const { sessions, revocations, clock } = this.#parts;
    const events = [sessionRevoked(session, reason)];
    await sessions.end(session.sessionId, { reason, at: clock(), events });
    revocations.add({ userId: session.userId, sid: session.sessionId });
  }

  #newSession(): { session: NewSession; refreshToken: string } {
    const { refreshTokens, newId, clock } = this.#parts;
    const refreshToken = refreshTokens.create();
    const refreshTokenHash = refreshTokens.hashOf(refreshToken);
    return { refreshToken, session: startSession({ id: newId(), refreshTokenHash }, clock()) };
  }

  #logIn(user: User, sessionId: string, refreshToken: string): LogIn {
    const { accessTokens } = this.#parts;
    return {
      user,
      accessToken: accessTokens.issue(user, sessionId),
      expiresIn: accessTokens.expiresIn,
      refreshToken,
    };
  }
}
