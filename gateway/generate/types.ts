/**
 * Generates src/generated/ from the schema files: `schema.ts` holds their text, so that the built gateway needs no other
 * file, and `resolvers.ts` the types that every resolver is checked against.
 */
import { globSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as typescript from '@graphql-codegen/typescript';
import * as typescriptResolvers from '@graphql-codegen/typescript-resolvers';
import { parse } from 'graphql';

const source = path.join(import.meta.dirname, '../src');
const target = path.join(source, 'generated');

const parts: string[] = [];
for (const file of globSync('**/*.graphql', { cwd: source }).sort()) {
  parts.push(await readFile(path.join(source, file), 'utf8'));
}
const typeDefs = parts.join('\n');

const types = await codegen({
  filename: path.join(target, 'resolvers.ts'),
  schema: parse(typeDefs),
  documents: [],
  pluginMap: { typescript, typescriptResolvers },
  plugins: [{ typescript: {} }, { typescriptResolvers: {} }],
  config: {
    contextType: '../context.js#GatewayContext',
    mappers: {
      Order: '@shop/common/contracts#ReadOrder',
      OrderStatusChange: '@shop/common/contracts#ReadOrderStatusChange',
      Payment: '@shop/common/contracts#ReadPayment',
      Refund: '@shop/common/contracts#ReadRefund',
      User: '@shop/common/contracts#ReadUser',
    },
    scalars: { DateTime: 'string', ID: 'string' },
    enumsAsTypes: true,
    useTypeImports: true,
    emitLegacyCommonJSImports: false,
    strictScalars: true,
    skipTypename: true,
  },
});

await mkdir(target, { recursive: true });
await writeFile(path.join(target, 'resolvers.ts'), types);
await writeFile(path.join(target, 'schema.ts'), `export const typeDefs = ${JSON.stringify(typeDefs)};\n`);
