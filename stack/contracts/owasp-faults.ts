// What OWASP's rules for APIs, as Spectral has them, find wrong with a description.
import { createRequire } from 'node:module';
import { Spectral, type RulesetDefinition } from '@stoplight/spectral-core';
import { z } from 'zod';

/** By `require`, since its types are those of CommonJS alone. */
const owasp = z
  .looseObject({ rules: z.record(z.string(), z.looseObject({})) })
  .parse(createRequire(import.meta.url)('@stoplight/spectral-owasp-ruleset'));

/**
 * Limits guard what is sent to us; what we answer was within them when it came. These formats have a length of their own, and Node.js
 * bounds all headers together.
 */
const inRequests = (type: string): string[] =>
  [
    '$.components.schemas[?(@property.match(/Request$/))]',
    '$.paths[*][*].parameters[?(@ && @.in && @.in.match(/query|path/))]',
  ].map(
    (place) =>
      `${place}..[?(@ && @.type && @.type.includes && @.type.includes("${type}") && !/^(uuid|date-time)$/.test(@.format))]`,
  );

/** Documents and health are answered before tokens and limits are looked at. */
const apiResponses = '$.paths[?(@property.startsWith("/api/"))]..responses';

const given: Readonly<Record<string, string | string[]>> = {
  'owasp:api4:2023-array-limit': inRequests('array'),
  'owasp:api4:2023-string-limit': inRequests('string'),
  'owasp:api4:2023-integer-limit': inRequests('integer'),
  'owasp:api4:2023-rate-limit': `${apiResponses}[?(@property.match(/^(2|4)/))]`,
  'owasp:api4:2023-rate-limit-responses-429': apiResponses,
  'owasp:api8:2023-define-error-validation': apiResponses,
  'owasp:api8:2023-define-error-responses-401': '$.paths[*][?(@ && @.security && @.security.length > 0)].responses',
  'owasp:api8:2023-define-error-responses-500': apiResponses,
};

const off = [
  // Whoever registers or logs in has no token yet. Which routes are open is proved by each service's authorization matrix.
  'owasp:api2:2023-write-restricted',
  'owasp:api2:2023-read-restricted',
  // Names, addresses and notes are what people write; what has a form has its pattern.
  'owasp:api4:2023-string-restricted',
  // A JSON number has no width: minimum and maximum say what is taken.
  'owasp:api4:2023-integer-format',
  // Whom CORS allows is a setting, and the header goes to those alone.
  'owasp:api8:2023-define-cors-origin',
  // The one server is `/`: whichever the document was read from.
  'owasp:api9:2023-inventory-access',
  'owasp:api9:2023-inventory-environment',
];

export async function owaspFaults(document: object): Promise<string[]> {
  const rules = Object.entries(owasp.rules)
    .filter(([name]) => !off.includes(name))
    .map(([name, rule]) => [name, name in given ? { ...rule, given: given[name] } : rule] as const);
  const spectral = new Spectral();
  // The ruleset's own definition: Spectral checks it.
  spectral.setRuleset({ ...owasp, rules: Object.fromEntries(rules) } as RulesetDefinition);
  const results = await spectral.run({ ...document });
  return results.map(({ code, path, message }) => `${code}: ${path.join('.')}: ${message}`);
}
