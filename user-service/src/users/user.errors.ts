import { Conflict, Forbidden, LostRace, NotFound, Unauthorized } from '@shop/common/errors';

export class UserNotFound extends NotFound {
  constructor() {
    super('User not found');
  }
}

export class EmailTaken extends Conflict {
  constructor() {
    super('A user with this email already exists');
  }
}

/** The caller is no longer what its token says; this process may not have learned of it yet. */
export class AccessRevoked extends Unauthorized {
  constructor() {
    super('Token has been revoked');
  }
}

export class LastAdmin extends Conflict {
  constructor() {
    super('The last active admin can not be deleted, demoted or deactivated');
  }
}

export class UserChangedMeanwhile extends LostRace {
  constructor() {
    super('The user was changed by another request at the same time');
  }
}

export class AdminFieldsForbidden extends Forbidden {
  constructor() {
    super('Only an admin may change isActive or role');
  }
}
