import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** What a JSON Schema (2020-12) says against a value; empty: nothing. It can refer to `others` by their `$id`. */
export function schemaFaults(value: unknown, schema: object, others: readonly object[]): string {
  const ajv = new Ajv2020({ strict: false, allErrors: true, schemas: [...others] });
  addFormats.default(ajv);
  return ajv.validate(schema, value) ? '' : ajv.errorsText();
}
