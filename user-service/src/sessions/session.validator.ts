import { bodyOf, described, email, password, presentedPassword, text } from '@shop/common/http';
import { personName } from '../users/user.validator.js';

const MAX_REFRESH_TOKEN_LENGTH = 4_096;

export const registerBody = bodyOf({
  email: email(),
  password: password(),
  firstName: personName('Ada'),
  lastName: personName('Lovelace'),
});

export const loginBody = bodyOf({ email: email(), password: presentedPassword() });

export const refreshBody = bodyOf({
  refreshToken: described(text({ max: MAX_REFRESH_TOKEN_LENGTH }), 'Of the last answer.', 'b3BhcXVl'),
});

export const changePasswordBody = bodyOf({ current: presentedPassword(), new: password() });
