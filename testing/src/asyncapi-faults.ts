import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import { z } from 'zod';

const require = createRequire(import.meta.url);
const schemaOfDocuments = z.looseObject({ definitions: z.record(z.string(), z.looseObject({})) });

/** What AsyncAPI's own schema of its version 3.0 says against a document; empty: nothing. */
export function asyncApiFaults(document: object): string {
  const { definitions, ...schema } = schemaOfDocuments.parse(require('@asyncapi/specs/schemas/3.0.0.json'));
  // Ajv knows that one itself, and refuses it a second time.
  const { 'http://json-schema.org/draft-07/schema': _known, ...others } = definitions;
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile({ ...schema, definitions: others });
  return validate(document) ? '' : ajv.errorsText(validate.errors);
}
