import type { SessionResource } from '@shop/common/contracts';
import { created, deleted, ok, type Input, type PublicInput, type Reply } from '@shop/common/http';
import { toResource } from '../users/user.resource.js';
import type { Credentials, Login, PasswordChange, Registration, SessionService } from './session.service.js';

const toAnswer = ({ accessToken, refreshToken, expiresIn, user }: Login): SessionResource => ({
  token: accessToken,
  refreshToken,
  expiresIn,
  user: toResource(user),
});

export class SessionHandler {
  readonly #sessions: SessionService;

  constructor(sessions: SessionService) {
    this.#sessions = sessions;
  }

  register = async ({ body }: PublicInput<unknown, unknown, Registration>): Promise<Reply> => {
    const login = await this.#sessions.register(body);
    const { id, version } = login.user;
    return created('User registered', toAnswer(login), { location: `/api/v1/users/${id}`, version });
  };

  login = async ({ body }: PublicInput<unknown, unknown, Credentials>): Promise<Reply> =>
    ok('Logged in', toAnswer(await this.#sessions.login(body)));

  refresh = async ({ body }: PublicInput<unknown, unknown, { refreshToken: string }>): Promise<Reply> =>
    ok('Tokens refreshed', toAnswer(await this.#sessions.refresh(body.refreshToken)));

  logOut = async ({ actor }: Input): Promise<Reply> => {
    await this.#sessions.logOut(actor);
    return deleted('Logged out');
  };

  changePassword = async ({ actor, body, precondition }: Input<unknown, unknown, PasswordChange>): Promise<Reply> => {
    const login = await this.#sessions.changePassword(actor, body, precondition);
    return ok('Password changed', toAnswer(login), login.user.version);
  };
}
