import { sessionResource } from '@shop/common/contracts';
import { publicRoute, route, type Route } from '@shop/common/http';
import type { SessionHandler } from './session.handler.js';
import { changePasswordBody, loginBody, refreshBody, registerBody } from './session.validator.js';

export const sessionRoutes = (sessions: SessionHandler): readonly Route[] => [
  publicRoute({
    method: 'POST',
    path: '/register',
    operation: {
      id: 'register',
      summary: 'Register, and log in',
      replies: { 201: { message: 'User registered', data: sessionResource } },
      errors: ['CONFLICT'],
    },
    body: registerBody,
    handle: sessions.register,
  }),
  publicRoute({
    method: 'POST',
    path: '/login',
    operation: {
      id: 'login',
      summary: 'Log in',
      description: '403: the user is deactivated, which only the right password finds out.',
      replies: { 200: { message: 'Logged in', data: sessionResource } },
      errors: ['UNAUTHORIZED', 'FORBIDDEN'],
    },
    body: loginBody,
    handle: sessions.login,
  }),
  publicRoute({
    method: 'POST',
    path: '/refresh',
    operation: {
      id: 'refreshTokens',
      summary: 'Exchange a refresh token for new tokens',
      description:
        'Within 30 s the same refresh token gets the same successor; later it ends the login, since somebody else may have it.',
      replies: { 200: { message: 'Tokens refreshed', data: sessionResource } },
      errors: ['UNAUTHORIZED', 'FORBIDDEN'],
    },
    body: refreshBody,
    handle: sessions.refresh,
  }),
  route({
    method: 'POST',
    path: '/logout',
    access: 'authenticated',
    operation: {
      id: 'logOut',
      summary: 'Log out',
      description: 'Ends this login: its refresh tokens and its access tokens.',
      replies: { 200: { message: 'Logged out', data: null } },
      errors: [],
    },
    handle: sessions.logOut,
  }),
  route({
    method: 'PUT',
    path: '/me/password',
    access: 'authenticated',
    operation: {
      id: 'changePassword',
      summary: 'Change your password',
      description: 'Ends all other logins.',
      replies: { 200: { message: 'Password changed', data: sessionResource } },
      errors: ['CONFLICT'],
    },
    body: changePasswordBody,
    handle: sessions.changePassword,
  }),
];
