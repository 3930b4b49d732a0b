import { route, type Route } from '@shop/common/http';
import type { UserHandler } from './user.handler.js';
import { listUsersQuery, updateUserBody, userParams } from './user.validator.js';

export const userRoutes = (users: UserHandler): readonly Route[] => [
  route({ method: 'GET', path: '/', access: 'authenticated', query: listUsersQuery, handle: users.list }),
  route({ method: 'GET', path: '/me', access: 'authenticated', handle: users.me }),
  route({ method: 'GET', path: '/:id', access: 'authenticated', params: userParams, handle: users.get }),
  route({
    method: 'PUT',
    path: '/:id',
    access: 'authenticated',
    params: userParams,
    body: updateUserBody,
    handle: users.update,
  }),
  route({ method: 'DELETE', path: '/:id', access: 'authenticated', params: userParams, handle: users.delete }),
];
