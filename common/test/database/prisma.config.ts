import { defineConfig } from 'prisma/config';

// `prisma generate` only checks that a schema engine exists and would download one. Migrations run on its WASM build.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
});
