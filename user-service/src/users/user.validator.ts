import { roles } from '@shop/common/contracts';
import { InvalidInput } from '@shop/common/errors';
import {
  bodyOf,
  flag,
  oneOf,
  optional,
  pageRules,
  paramsOf,
  queryFlag,
  queryIds,
  queryOf,
  refine,
  text,
  uuid,
  valid,
  type Validator,
} from '@shop/common/http';
import type { UserChanges } from './user.js';

/** A user's first or last name. */
export const personName = () => text({ min: 1, max: 100 });

export const userParams = paramsOf({ id: uuid() });

export const listUsersQuery = queryOf({
  ...pageRules,
  ids: optional(queryIds()),
  role: optional(oneOf(roles)),
  isActive: optional(queryFlag()),
  /** What the address starts with. */
  email: optional(refine(text({ min: 1, max: 254 }), (value) => valid(value.normalize('NFKC').toLowerCase()))),
});

const changes = bodyOf({
  firstName: optional(personName()),
  lastName: optional(personName()),
  isActive: optional(flag()),
  role: optional(oneOf(roles)),
});

export const updateUserBody: Validator<UserChanges> = async (request) => {
  const body = await changes(request);
  if (Object.values(body).every((value) => value === undefined)) {
    throw new InvalidInput([
      { field: 'body', message: 'must have at least one of firstName, lastName, isActive, role' },
    ]);
  }
  return body;
};
