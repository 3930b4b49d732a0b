import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { databaseNames } from '../workspaces.ts';
import { planSecrets, presentSecrets, type SecretManifest } from './secrets.ts';

const nothing = new Map<string, string[]>();
const presentAfter = (created: SecretManifest[]) =>
  new Map(created.map(({ metadata, stringData }) => [metadata.name, Object.keys(stringData)]));
const contentOf = (created: SecretManifest[], name: string) =>
  created.find(({ metadata }) => metadata.name === name)?.stringData ?? {};

describe('the Secrets of a deployment', () => {
  it('the first one -> each is made, none twice the same, and long enough for production', () => {
    const { created, added } = planSecrets('k3s', nothing);
    const passwords = created.map(({ stringData }) => stringData.password).filter((one) => one !== undefined);
    expect(passwords.length).toBeGreaterThan(10);
    expect(new Set(passwords).size).toBe(passwords.length);
    for (const password of passwords) expect(Buffer.byteLength(password)).toBeGreaterThanOrEqual(32);
    expect(added).toEqual([]);
  });

  it('the keys of access tokens -> a pair', () => {
    const { JWT_PRIVATE_KEY = '', JWT_PUBLIC_KEYS } = contentOf(planSecrets('k3s', nothing).created, 'jwt');
    const key = createPrivateKey({ key: Buffer.from(JWT_PRIVATE_KEY, 'base64'), type: 'pkcs8', format: 'der' });
    expect(createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64')).toBe(JWT_PUBLIC_KEYS);
  });

  it('a later one -> all are kept', () => {
    const present = presentAfter(planSecrets('k3s', nothing).created);
    expect(planSecrets('k3s', present)).toEqual({ created: [], added: [] });
  });

  it('a version that asks for one more key -> that alone is added', () => {
    const present = presentAfter(planSecrets('k3s', nothing).created);
    present.set('user-service', ['ADMIN_PASSWORD']);
    const { created, added } = planSecrets('k3s', present);
    expect(created).toEqual([]);
    expect(added.map(({ metadata, stringData }) => [metadata.name, Object.keys(stringData)])).toEqual([
      ['user-service', ['REFRESH_TOKEN_SECRET']],
    ]);
  });

  it('managed servers -> says which Secrets others have to make, and makes the rest', () => {
    expect(() => planSecrets('managed', nothing)).toThrow(/generic user-db-owner --from-literal=url=/);
    const urls = databaseNames.flatMap((name) => [`${name}-db-owner`, `${name}-db-service`]);
    const present = new Map([...urls, 'rabbitmq-default-user'].map((name) => [name, ['url']]));
    present.set('payment-service', ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRETS']);
    const { created } = planSecrets('managed', present);
    expect(created.map(({ metadata }) => metadata.name)).toEqual(['jwt', 'user-service']);
    expect(contentOf(created, 'user-service')).not.toHaveProperty('ADMIN_PASSWORD');
  });

  it('an answer of kubectl -> the keys, not the values', () => {
    const json = JSON.stringify({
      items: [{ metadata: { name: 'a' }, data: { x: 'c2VjcmV0' } }, { metadata: { name: 'b' } }],
    });
    expect(presentSecrets(json)).toEqual(
      new Map([
        ['a', ['x']],
        ['b', []],
      ]),
    );
  });
});
