import { Forbidden, InvalidInput, Unauthorized } from '@shop/common/errors';

/** An unknown email and a wrong password look alike. */
export class InvalidCredentials extends Unauthorized {
  constructor() {
    super('Invalid email or password');
  }
}

export class UserDeactivated extends Forbidden {
  constructor() {
    super('This user is deactivated');
  }
}

export class InvalidRefreshToken extends Unauthorized {
  constructor() {
    super('Invalid refresh token');
  }
}

/** Not Unauthorized: the caller is known, and its access token is still good. */
export class WrongCurrentPassword extends InvalidInput {
  constructor() {
    super([{ field: 'current', message: 'is not the current password' }]);
  }
}
