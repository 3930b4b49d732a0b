import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { bindMigrationAwareSqlAdapterFactory, type SqlDriverAdapter } from '@prisma/driver-adapter-utils';
import * as wasm from '@prisma/schema-engine-wasm/schema_engine_bg';

// TypeScript has the types of WebAssembly only in its DOM library.
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, Record<string, unknown>>,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

export type SchemaEngine = wasm.SchemaEngine;
export type MigrationList = wasm.MigrationList;
export const everything: wasm.SchemaFilter = { externalTables: [], externalEnums: [] };

/** Loads the WASM build of Prisma's schema engine by hand: the package's own loader is made for bundlers. */
async function load(): Promise<void> {
  const imports: Record<string, unknown> = { ...wasm };
  for (const name of Object.keys(wasm)) {
    // The engine's timer of 10 s for its lock must not keep the process alive.
    if (name.startsWith('__wbg_setTimeout_')) {
      imports[name] = (run: () => void, milliseconds: number) => setTimeout(run, milliseconds).unref();
    }
  }
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm');
  const bytes = await readFile(path.join(path.dirname(entry), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': imports });
  wasm.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
}

let loaded: Promise<void> | undefined;

const noShadow = (): Promise<SqlDriverAdapter> => Promise.reject(new Error('a shadow database is never needed'));

/** Runs `use` with an engine on the adapter and disposes of the adapter. Throws what the driver threw, where it did. */
export async function withEngine<Result>(
  adapter: SqlDriverAdapter,
  use: (engine: SchemaEngine) => Promise<Result>,
  connectToShadowDb = noShadow,
): Promise<Result> {
  const connect = () => Promise.resolve(adapter);
  const factory = bindMigrationAwareSqlAdapterFactory({
    provider: 'postgres',
    adapterName: adapter.adapterName,
    connect,
    connectToShadowDb,
  });
  try {
    await (loaded ??= load());
    return await use(await wasm.SchemaEngine.new({ datamodels: undefined }, () => undefined, factory));
  } catch (error) {
    // The engine knows errors of the driver by number only.
    const id = /External error id#(\d+)/.exec(String(error))?.[1];
    throw (id !== undefined && factory.errorRegistry.consumeError(Number(id))?.error) || error;
  } finally {
    await adapter.dispose();
  }
}
