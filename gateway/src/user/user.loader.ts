import type { ReadUser } from '@shop/common/contracts';
import type DataLoader from 'dataloader';
import { batchLoader } from '../batch-loader.js';
import type { UserClient } from './user.client.js';

export interface UserLoaders {
  readonly userById: DataLoader<string, ReadUser | null>;
}

export const userLoaders = (users: UserClient): UserLoaders => ({
  userById: batchLoader(
    (ids) => users.byIds(ids),
    ({ id }) => id,
  ),
});
