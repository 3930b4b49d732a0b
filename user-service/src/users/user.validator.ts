import { roles } from '@shop/common/contracts';
import { InvalidInput } from '@shop/common/errors';
import {
  bodyOf,
  described,
  flag,
  oneOf,
  optional,
  pageRules,
  paramsOf,
  queryFlag,
  queryIds,
  queryOf,
  refine,
  refineBody,
  text,
  uuid,
  valid,
} from '@shop/common/http';

/** A user's first or last name. */
export const personName = (example: string) => described(text({ min: 1, max: 100 }), 'As it is written.', example);

export const userParams = paramsOf({ id: uuid() });

export const listUsersQuery = queryOf({
  ...pageRules,
  ids: optional(queryIds()),
  role: optional(oneOf(roles)),
  isActive: optional(queryFlag()),
  email: optional(
    described(
      refine(text({ min: 1, max: 254 }), (value) => valid(value.normalize('NFKC').toLowerCase())),
      'What the address starts with.',
      'ada@',
    ),
  ),
});

const changeRules = {
  firstName: optional(personName('Ada')),
  lastName: optional(personName('King')),
  isActive: optional(flag()),
  role: optional(oneOf(roles)),
};

const givenFields = Object.keys(changeRules).map((name) => ({
  required: [name],
  properties: { [name]: { not: { type: 'null' } } },
}));

export const updateUserBody = refineBody(
  bodyOf(changeRules),
  (body) => {
    if (Object.values(body).every((value) => value === undefined)) {
      throw new InvalidInput([
        { field: 'body', message: 'must have at least one of firstName, lastName, isActive, role' },
      ]);
    }
    return body;
  },
  { anyOf: givenFields },
);
