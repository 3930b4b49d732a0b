/** A schema of JSON Schema 2020-12, as OpenAPI 3.1 has it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

interface Field {
  readonly schema: JsonSchema;
  readonly optional: boolean;
}

/** In a body null counts as absent. */
function nullable(schema: JsonSchema): JsonSchema {
  const { type, enum: values } = schema;
  if (typeof type !== 'string') return schema;
  return { ...schema, type: [type, 'null'], ...(Array.isArray(values) && { enum: [...(values as unknown[]), null] }) };
}

/** The schema of a JSON object whose fields have rules; further fields are ignored. */
export function objectSchema(fields: Readonly<Record<string, Field>>): JsonSchema {
  const required = Object.entries(fields).flatMap(([name, { optional }]) => (optional ? [] : [name]));
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, { schema, optional }]) => [name, optional ? nullable(schema) : schema]),
    ),
    ...(required.length > 0 && { required }),
  };
}

/** What a schema gives as an example, or what its fields and entries do together. */
export function exampleOf(schema: JsonSchema): unknown {
  const { examples, properties, items, enum: values } = schema;
  if (Array.isArray(examples)) return examples[0] as unknown;
  if (isSchema(properties)) {
    const fields = Object.entries(properties).map(([name, field]) => [name, isSchema(field) && exampleOf(field)]);
    return Object.fromEntries(fields) as unknown;
  }
  if (isSchema(items)) return [exampleOf(items)];
  if (Array.isArray(values)) return values[0] as unknown;
  return undefined;
}

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
