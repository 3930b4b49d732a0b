import { publicRoute, route, type Route } from '@shop/common/http';
import type { SessionHandler } from './session.handler.js';
import { changePasswordBody, loginBody, refreshBody, registerBody } from './session.validator.js';

export const sessionRoutes = (sessions: SessionHandler): readonly Route[] => [
  publicRoute({ method: 'POST', path: '/register', body: registerBody, handle: sessions.register }),
  publicRoute({ method: 'POST', path: '/login', body: loginBody, handle: sessions.login }),
  publicRoute({ method: 'POST', path: '/refresh', body: refreshBody, handle: sessions.refresh }),
  route({ method: 'POST', path: '/logout', access: 'authenticated', handle: sessions.logOut }),
  route({
    method: 'PUT',
    path: '/me/password',
    access: 'authenticated',
    body: changePasswordBody,
    handle: sessions.changePassword,
  }),
];
