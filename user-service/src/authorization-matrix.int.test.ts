import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  bodyRowsOf,
  cellsOf,
  effectsOf,
  guarded,
  inWords,
  observe,
  open,
  openOperations,
  operationsOf,
  takesBody,
  type MatrixCaller,
  type MatrixRow,
  type MatrixTarget,
  type Scene,
} from '@shop/testing';
import { PASSWORD, registration, startTestService, type TestService, type TestUser } from '../test/test-service.js';

let test: TestService;
let target: MatrixTarget;
let root: TestUser;

beforeAll(async () => {
  test = await startTestService();
  const { url, query } = test;
  target = {
    url,
    base: '/api/v1/users',
    query,
    tables: ['users', 'sessions', 'refresh_tokens'],
    journals: ['outbox', 'audit_trail'],
  };
  root = await test.admin();
});
afterAll(() => test.stop());

const change = async (id: string, changes: object) => {
  await root.put(`/${id}`, changes).expect(200);
};

/** A token of a user who was made an admin, which raised its version to 2. */
async function adminToken(id: string): Promise<string> {
  await change(id, { role: 'admin' });
  return test.tokens.tokenFor({ id, role: 'admin' }, { ver: 2 });
}

/** Who sends it: an account of its own in each cell. */
async function senderOf(caller: MatrixCaller, owner: TestUser): Promise<{ callerId?: string; token?: string }> {
  switch (caller) {
    case 'anonymous':
      return {};
    case 'owner':
      return { callerId: owner.id, token: owner.token };
    case 'revoked':
      await change(owner.id, { isActive: false });
      return { callerId: owner.id, token: owner.token };
    case 'other': {
      const { id, token } = await test.register();
      return { callerId: id, token };
    }
    case 'admin': {
      const { id } = await test.register();
      return { callerId: id, token: await adminToken(id) };
    }
    case 'demoted': {
      const { id } = await test.register();
      const token = await adminToken(id);
      await change(id, { role: 'user' });
      return { callerId: id, token };
    }
  }
}

/** About the account of an owner. A body may be about somebody else, who has to do with nobody. */
const about =
  (bodyFrom?: (someone: TestUser) => object | Promise<object>) =>
  async (caller: MatrixCaller): Promise<Scene> => {
    const owner = await test.register();
    const { callerId, token } = await senderOf(caller, owner);
    const body = await bodyFrom?.(await test.register());
    return {
      callerId,
      authorization: token === undefined ? undefined : `Bearer ${token}`,
      subject: owner.id,
      params: { id: owner.id },
      ...(body && { body }),
    };
  };

const credentialsOf = ({ email }: TestUser) => ({ email, password: PASSWORD });

async function deactivated(user: TestUser): Promise<TestUser> {
  await change(user.id, { isActive: false });
  return user;
}

const rows: readonly MatrixRow[] = [
  { operation: 'POST /register', outcomes: open(201), scene: about(() => registration()) },
  { operation: 'POST /login', outcomes: open(200), scene: about(credentialsOf) },
  {
    operation: 'POST /login',
    when: 'of a deactivated user',
    outcomes: open(403),
    scene: about(async (user) => credentialsOf(await deactivated(user))),
  },
  { operation: 'POST /refresh', outcomes: open(200), scene: about(({ refreshToken }) => ({ refreshToken })) },
  {
    operation: 'POST /refresh',
    when: 'of a deactivated user',
    outcomes: open(401),
    scene: about(async (user) => ({ refreshToken: (await deactivated(user)).refreshToken })),
  },
  { operation: 'POST /logout', outcomes: guarded({ other: 200, owner: 200, admin: 200 }), scene: about() },
  {
    operation: 'PUT /me/password',
    outcomes: guarded({ other: 200, owner: 200, admin: 200 }),
    scene: about(() => ({ current: PASSWORD, new: 'a better password' })),
  },
  {
    operation: 'GET /',
    outcomes: guarded({ other: 'unlisted', owner: 'listed', admin: 'listed' }),
    scene: about(),
  },
  { operation: 'GET /audit', outcomes: guarded({ other: 403, owner: 403, admin: 200 }), scene: about() },
  { operation: 'GET /me', outcomes: guarded({ other: 'own', owner: 'own', admin: 'own' }), scene: about() },
  { operation: 'GET /:id', outcomes: guarded({ other: 404, owner: 200, admin: 200 }), scene: about() },
  { operation: 'GET /:id/personal-data', outcomes: guarded({ other: 404, owner: 200, admin: 200 }), scene: about() },
  { operation: 'GET /:id/audit', outcomes: guarded({ other: 404, owner: 200, admin: 200 }), scene: about() },
  {
    operation: 'PUT /:id',
    when: 'its names',
    outcomes: guarded({ other: 404, owner: 200, admin: 200 }),
    scene: about(() => ({ firstName: 'Grace', lastName: 'Hopper' })),
    furtherFields: ['role', 'isActive'],
  },
  {
    operation: 'PUT /:id',
    when: 'its role',
    outcomes: guarded({ other: 404, owner: 403, admin: 200 }),
    scene: about(() => ({ role: 'admin', isActive: true })),
  },
  {
    operation: 'PUT /:id',
    when: 'whether it is active',
    outcomes: guarded({ other: 404, owner: 403, admin: 200 }),
    scene: about(() => ({ isActive: false })),
    furtherFields: ['role'],
  },
  { operation: 'DELETE /:id', outcomes: guarded({ other: 404, owner: 200, admin: 200 }), scene: about() },
];

const documents = ['jwks.json', 'oauth-authorization-server', 'openid-configuration'] as const;
const openHere = [...openOperations, ...documents.map((name) => `GET /.well-known/${name}` as const)] as const;

describe('who may do what', () => {
  it('each operation of the service -> has its row', () => {
    const listed = new Set([...rows.map(({ operation }) => operation), ...openHere]);
    expect([...listed].toSorted()).toEqual(operationsOf(test.service.app));
  });

  it.each(cellsOf(rows))('%s', async (_title, row, caller) => {
    expect(await observe(target, row, caller)).toBe(inWords(row.outcomes[caller]));
  });

  it.each(openHere)('%s -> for everybody', async (operation) => {
    const row = { operation, outcomes: open(200), scene: about() };
    for (const [, , caller] of cellsOf([row])) expect(await observe({ ...target, base: '' }, row, caller)).toBe('200');
  });
});

describe('fields that a body has no business to set', () => {
  it('each operation that takes a body -> has an example that is carried out', () => {
    const tried = new Set(bodyRowsOf(rows).map(([operation]) => operation));
    expect([...tried].toSorted()).toEqual(operationsOf(test.service.app).filter(takesBody));
  });

  it.each(bodyRowsOf(rows))('%s -> the same as without them', async (_operation, row, caller) => {
    const { plain, hostile } = await effectsOf(target, row, caller);
    expect(plain.rows).not.toEqual([]);
    expect(hostile).toEqual(plain);
    expect({}).not.toHaveProperty('isAdmin');
  });
});
