import { Conflict, Forbidden, NotFound } from '@shop/common/errors';

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

export class LastAdmin extends Conflict {
  constructor() {
    super('The last active admin can not be deleted, demoted or deactivated');
  }
}

export class UserChangedMeanwhile extends Conflict {
  constructor() {
    super('The user was changed by another request at the same time');
  }
}

export class AdminFieldsForbidden extends Forbidden {
  constructor() {
    super('Only an admin may change isActive or role');
  }
}
