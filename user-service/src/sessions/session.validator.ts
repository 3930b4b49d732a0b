import { bodyOf, email, password, text } from '@shop/common/http';
import { personName } from '../users/user.validator.js';

/** What somebody takes for its password: it may well be shorter than any that can be chosen. */
const presentedPassword = () => password({ min: 1, max: 72 });

const MAX_REFRESH_TOKEN_LENGTH = 4_096;

export const registerBody = bodyOf({
  email: email(),
  password: password(),
  firstName: personName(),
  lastName: personName(),
});

export const logInBody = bodyOf({ email: email(), password: presentedPassword() });

export const refreshBody = bodyOf({ refreshToken: text({ max: MAX_REFRESH_TOKEN_LENGTH }) });

export const changePasswordBody = bodyOf({ current: presentedPassword(), new: password() });
