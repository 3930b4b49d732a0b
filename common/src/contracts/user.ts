import { z } from 'zod';
import { resourceRegistry } from './resource-registry.js';

export const roles = ['user', 'admin'] as const;
export type Role = (typeof roles)[number];

/** The user of the examples. */
const ada = {
  id: '019a2b3c-0000-7000-8000-000000000001',
  email: 'ada@example.com',
  firstName: 'Ada',
  lastName: 'Lovelace',
  fullName: 'Ada Lovelace',
  role: 'user' as const,
  isActive: true,
  createdAt: '2026-01-31T12:00:00.000Z',
  updatedAt: '2026-01-31T12:00:00.000Z',
};

/** A user as REST answers and events carry it. */
export const userResource = z
  .object({
    id: z.uuid(),
    email: z.string(),
    firstName: z.string(),
    lastName: z.string(),
    fullName: z.string(),
    role: z.enum(roles),
    isActive: z.boolean(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .register(resourceRegistry, {
    id: 'User',
    description: 'A user of the shop.',
    example: ada,
  });
export type UserResource = z.infer<typeof userResource>;

/** What registering, logging in and refreshing answer. */
export const sessionResource = z
  .object({
    token: z.string().describe('The access token, for `Authorization: Bearer`.'),
    refreshToken: z.string().describe('Gets the next pair, once.'),
    expiresIn: z.int().describe('Seconds that the access token is good for.'),
    user: userResource,
  })
  .register(resourceRegistry, {
    id: 'Session',
    description: 'The tokens of a login, and who it is.',
    example: {
      token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTlhMmIzYyJ9.c2lnbmF0dXJl',
      refreshToken: 'b3BhcXVl',
      expiresIn: 3600,
      user: ada,
    },
  });
export type SessionResource = z.infer<typeof sessionResource>;
