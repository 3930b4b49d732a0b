// Generates src/generated/: the types of each service's REST API, from the openapi.json that the service keeps.
import { globSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';

const repository = path.join(import.meta.dirname, '../..');
const target = path.join(import.meta.dirname, '../src/generated');

await mkdir(target, { recursive: true });
for (const file of globSync('*-service/openapi.json', { cwd: repository })) {
  const description = pathToFileURL(path.join(repository, file));
  // What has a default may be left out of a request.
  const types = await openapiTS(description, { defaultNonNullable: false });
  await writeFile(path.join(target, `${path.dirname(file)}.ts`), astToString(types));
}
