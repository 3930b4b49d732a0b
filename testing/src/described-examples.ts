import { z } from 'zod';
import { ask } from './ask.js';
import { readDescription } from './read-description.js';

const parameter = z.object({ name: z.string().optional(), in: z.string().optional(), example: z.unknown().optional() });
const operation = z.object({
  operationId: z.string(),
  parameters: z.array(parameter).default([]),
  requestBody: z
    .object({ content: z.object({ 'application/json': z.object({ example: z.looseObject({}).optional() }) }) })
    .optional(),
});

/** Sends each operation of a server's /openapi.json with its examples, in its order; answers the statuses by operation. */
export async function sendExamples(
  url: string,
  authorization: string,
  { except = [] }: { except?: readonly string[] } = {},
): Promise<Record<string, number>> {
  const document = await readDescription(url);
  const statuses: Record<string, number> = {};
  for (const [template, methods] of Object.entries(document.paths)) {
    for (const [method, described] of Object.entries(methods)) {
      const { operationId, parameters, requestBody } = operation.parse(described);
      if (except.includes(operationId)) continue;
      const path = parameters
        .filter((each) => each.in === 'path')
        .reduce((filled, { name, example }) => filled.replace(`{${name}}`, String(example)), template);
      const body = requestBody?.content['application/json'].example;
      const { status } = await ask(url + path, { method: method.toUpperCase(), authorization, body });
      statuses[operationId] = status;
    }
  }
  return statuses;
}
