// What is measured.
import type { Account } from '../../stack/demo/shop.ts';
import type { LoadOptions } from '../generate-load.ts';
import type { BenchAccount, BenchSystem, ProcessName } from './system.ts';

export interface Workload {
  name: string;
  /** The processes whose time is compared with the floor's. */
  of: readonly ProcessName[];
  /** At most this many times the floor's, or microseconds of those processes where there is no floor. */
  goal: { ratio: number } | { microseconds: number } | undefined;
  requests: number;
  floor?: Load;
  ours: Load;
  /** Makes what the requests of a lap need; not measured. */
  prepare?: (system: BenchSystem) => Promise<void>;
  /** Microseconds that are taken off both sides: what neither can do without, and what would hide all else. */
  beside?: () => Promise<number>;
  /** Resolves once what the requests have begun, in the background, is done. */
  settled?: (system: BenchSystem) => Promise<void>;
}

export type Load = Omit<LoadOptions, 'connections' | 'requests'>;

export const json = { 'content-type': 'application/json' };

function shared<T>(accounts: readonly T[], connection: number): T {
  const account = accounts[connection % accounts.length];
  if (account === undefined) throw new Error('there are no accounts');
  return account;
}

/** The connections share the accounts. */
export const accountOf = ({ accounts }: BenchSystem, connection: number): BenchAccount => shared(accounts, connection);
/** Whoever logs in. */
export const visitorOf = ({ visitors }: BenchSystem, connection: number): Account => shared(visitors, connection);

export const bearerOf = ({ token }: { token: string }) => ({ authorization: `Bearer ${token}` });
