import { expect, it } from '@jest/globals';
import { describeApi } from './contracts.ts';
import { owaspFaults } from './owasp-faults.ts';

it('the REST API of all services -> no fault by OWASP’s rules', async () => {
  expect(await owaspFaults(describeApi())).toEqual([]);
});

it('a text without a limit, an operation that leaves out an error -> found', async () => {
  const parameters = [{ name: 'q', in: 'query', schema: { type: 'string' } }];
  const operation = { security: [{ bearer: [] }], parameters, responses: { 200: {} } };
  const Request = { type: 'object', properties: { name: { type: 'string' } } };
  const document = {
    openapi: '3.1.1',
    paths: { '/api/v1/things': { get: operation } },
    components: { schemas: { Request } },
  };
  const faults = (await owaspFaults(document)).join('\n');
  expect(faults).toContain('owasp:api4:2023-string-limit: components.schemas.Request.properties.name');
  expect(faults).toContain('owasp:api4:2023-string-limit: paths./api/v1/things.get.parameters.0.schema');
  expect(faults).toContain('owasp:api8:2023-define-error-responses-401: paths./api/v1/things.get.responses');
});
