// The description of the REST API of all services, made of those that they keep: their tests hold them to what is served.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { OpenApiDocument } from '@shop/common/http';
import { descriptionSchema, mergeDescriptions } from '../../gateway/src/openapi.ts';
import { repository } from '../paths.ts';

export function describeApi(): OpenApiDocument {
  const descriptions = globSync('*-service/openapi.json', { cwd: repository })
    .toSorted()
    .map((file) => descriptionSchema.parse(JSON.parse(readFileSync(path.join(repository, file), 'utf8'))));
  return mergeDescriptions('all services', descriptions);
}
