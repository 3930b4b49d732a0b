import { describe, expect, it } from '@jest/globals';
import { SettingsError, corsOriginsOf, httpSettings, loadSettings } from './index.js';

const { NODE_ENV, CORS_ORIGINS } = httpSettings;
const load = (environment: Record<string, string>) => loadSettings({ NODE_ENV, CORS_ORIGINS }, environment);
const allows = (environment: Record<string, string>, origin: string): boolean =>
  corsOriginsOf(load(environment)).some((known) => (typeof known === 'string' ? known === origin : known.test(origin)));

describe('pages that may call from a browser', () => {
  const local = ['http://localhost:5173', 'http://localhost', 'https://localhost:3000', 'http://127.0.0.1:8080'];

  it.each([...local, 'http://[::1]:4321'])(
    '%s -> in development, and in production only where it is named',
    (origin) => {
      expect(allows({}, origin)).toBe(true);
      expect(allows({ NODE_ENV: 'test' }, origin)).toBe(true);
      expect(allows({ NODE_ENV: 'production' }, origin)).toBe(false);
      expect(allows({ NODE_ENV: 'production', CORS_ORIGINS: `https://a.example.com,${origin}` }, origin)).toBe(true);
    },
  );

  it.each([
    'http://localhost.evil.test',
    'http://evil.test/?http://localhost',
    'http://localhost:5173.evil.test',
    'http://127.0.0.1.evil.test',
    'http://10.0.0.1:5173',
    'file://',
    'null',
  ])('%s -> never by itself', (origin) => {
    expect(allows({}, origin)).toBe(false);
  });

  it.each([
    'https://shop.example.com/',
    'https://shop.example.com/shop',
    'shop.example.com',
    '*',
    'https://Shop.example.com',
  ])('CORS_ORIGINS=%s, which no browser sends -> reported at the start', (CORS_ORIGINS) => {
    expect(() => load({ CORS_ORIGINS })).toThrow(SettingsError);
  });
});

describe('ALLOWED_HOSTS', () => {
  const parse = (ALLOWED_HOSTS: string) =>
    loadSettings({ ALLOWED_HOSTS: httpSettings.ALLOWED_HOSTS }, { ALLOWED_HOSTS }).ALLOWED_HOSTS;

  it('names and addresses, separated by commas -> those', () => {
    expect(parse('shop.example.com, 10.0.0.1,[::1]')).toEqual(['shop.example.com', '10.0.0.1', '[::1]']);
    expect(parse('')).toEqual([]);
  });

  it.each([
    'https://shop.example.com',
    'shop.example.com:8080',
    'shop.example.com/',
    '*',
    '.example.com.',
    'a b',
    '::1',
  ])('%s -> reported at the start', (value) => {
    expect(() => parse(value)).toThrow(SettingsError);
  });
});
