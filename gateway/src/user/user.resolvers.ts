import { known, roles } from '@shop/common/contracts';
import type { Resolvers } from '../generated/resolvers.js';
import { pageQuery } from '../page.js';

export const userResolvers: Resolvers = {
  Query: {
    me: (_parent, _args, { users }) => users.me(),
    user: (_parent, { id }, { users }) => users.get(id),
    users: (_parent, args, { users }, info) => users.list(pageQuery(args, info)),
  },
  Mutation: {
    register: (_parent, { input }, { users }) => users.register(input),
    login: (_parent, { input }, { users }) => users.login(input),
    refreshToken: (_parent, { refreshToken }, { users }) => users.refresh(refreshToken),
    logout: async (_parent, _args, { users }) => {
      await users.logOut();
      return true;
    },
    updateUser: (_parent, { id, ...changes }, { users }) => users.update(id, changes),
    changePassword: (_parent, passwords, { users }) => users.changePassword(passwords),
    deleteUser: async (_parent, { id }, { users }) => {
      await users.remove(id);
      return true;
    },
  },
  User: {
    role: ({ role }) => known(roles, role),
    orders: ({ id }, { limit }, { loaders }) => loaders.ordersOfUser(limit ?? undefined).load(id),
  },
};
