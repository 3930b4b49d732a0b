import { z } from 'zod';
import { resourceRegistry } from '../../contracts/index.js';
import type { JsonSchema } from '../validation/index.js';

const refTo = (id: string): string => `#/components/schemas/${id}`;

/** Takes away what zod adds and tells a client nothing: patterns beside a format, and the range of safe integers. */
function simplify({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
}

/** `input`: as a tolerant reader takes it, since fields may be added to an answer at any time. */
const options = { io: 'input', override: simplify } as const;

/** The shapes of `resourceRegistry`, by name. */
export function resourceSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(resourceRegistry, { ...options, uri: refTo });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]) => {
      const type = resourceRegistry._idmap.get(id);
      const meta = type && resourceRegistry.get(type);
      return [id, { ...schema, description: meta?.description, examples: [meta?.example] }];
    }),
  );
}

/** A reference to a shape that has a name, or else its whole schema. */
export function schemaOf(type: z.ZodType): JsonSchema {
  const id = resourceRegistry.get(type)?.id;
  if (id !== undefined) return { $ref: refTo(id) };
  const { $schema: _schema, ...schema } = z.toJSONSchema(type, options);
  return schema;
}

/** The example that a shape is registered with. */
export const exampleOfResource = (type: z.ZodType): unknown => resourceRegistry.get(type)?.example;
