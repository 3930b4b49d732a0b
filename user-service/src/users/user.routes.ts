import { userResource } from '@shop/common/contracts';
import { route, type Route } from '@shop/common/http';
import type { UserHandler } from './user.handler.js';
import { listUsersQuery, updateUserBody, userParams } from './user.validator.js';

const access = 'authenticated';
const retrieved = { message: 'User retrieved', data: userResource };

export const userRoutes = (users: UserHandler): readonly Route[] => [
  route({
    method: 'GET',
    path: '/',
    access,
    operation: {
      id: 'listUsers',
      summary: 'List users',
      description: 'A user sees itself, an admin everyone. `ids` is a batch read, without pages.',
      replies: { 200: { message: 'Users retrieved', list: userResource } },
      errors: [],
    },
    query: listUsersQuery,
    handle: users.list,
  }),
  route({
    method: 'GET',
    path: '/me',
    access,
    operation: { id: 'getMe', summary: 'Get yourself', replies: { 200: retrieved }, errors: ['NOT_FOUND'] },
    handle: users.me,
  }),
  route({
    method: 'GET',
    path: '/:id',
    access,
    operation: {
      id: 'getUser',
      summary: 'Get a user',
      description: 'Yourself, or anybody for an admin.',
      replies: { 200: retrieved },
      errors: [],
    },
    params: userParams,
    handle: users.get,
  }),
  route({
    method: 'PUT',
    path: '/:id',
    access,
    operation: {
      id: 'updateUser',
      summary: 'Change a user',
      description: 'Fields that are absent stay as they are. `isActive` and `role` are for admins.',
      replies: { 200: { message: 'User updated', data: userResource } },
      errors: ['FORBIDDEN', 'CONFLICT'],
    },
    params: userParams,
    body: updateUserBody,
    handle: users.update,
  }),
  route({
    method: 'DELETE',
    path: '/:id',
    access,
    operation: {
      id: 'deleteUser',
      summary: 'Delete a user',
      description: 'Ends all of its logins. Its e-mail address is free again; its orders and payments stay.',
      replies: { 200: { message: 'User deleted', data: null } },
      errors: ['CONFLICT'],
    },
    params: userParams,
    handle: users.delete,
  }),
];
