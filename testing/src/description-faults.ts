import type { ServiceApp } from '@shop/common/http';
import { ask } from './ask.js';
import { operationsOf } from './authorization-matrix.js';
import { lintDescription } from './lint-description.js';
import { readDescription } from './read-description.js';

/** What is wrong with /openapi.json of an app whose routes stand below `base`. */
export async function descriptionFaults(
  app: ServiceApp,
  { url, base }: { url: string; base: string },
): Promise<string[]> {
  const { headers } = await ask(`${url}/openapi.json`);
  const document = await readDescription(url);
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const answered = operationsOf(app).map((operation) => {
    const [method = '', path = ''] = operation.split(' ');
    const below = `${method} ${base}${path === '/' ? '' : path.replaceAll(/:(\w+)/g, '{$1}')}`;
    return described.includes(below) ? below : operation;
  });
  const again = await ask(`${url}/openapi.json`, { headers: { 'If-None-Match': String(headers['etag']) } });
  return [
    ...answered.filter((operation) => !described.includes(operation)).map((operation) => `not described: ${operation}`),
    ...described.filter((operation) => !answered.includes(operation)).map((operation) => `not answered: ${operation}`),
    ...(again.status === 304 ? [] : [`asked for with its ETag: ${again.status}`]),
    ...(await lintDescription(document)),
  ];
}
