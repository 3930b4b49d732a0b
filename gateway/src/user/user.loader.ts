import type { ReadUser } from '@shop/common/contracts';
import { BatchLoader } from '../batch-loader.js';
import type { UserClient } from './user.client.js';

export interface UserLoaders {
  readonly userById: BatchLoader<ReadUser>;
}

export const userLoaders = (users: UserClient): UserLoaders => ({
  userById: new BatchLoader(
    (ids) => users.byIds(ids),
    ({ id }) => id,
  ),
});
