import type { OutgoingHttpHeader } from 'node:http';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';
import type { OpenApiDocument } from '@shop/common/http';
import { closed } from './closed-schema.js';

const reference = z.object({ $ref: z.string() });
const described = z.object({
  description: z.string(),
  headers: z.record(z.string(), reference).default({}),
  content: z.record(z.string(), z.object({ example: z.looseObject({}).optional() })).default({}),
});

const describedHeader = z.object({ required: z.boolean(), schema: z.object({ type: z.string() }) });

/** What an answer has to be, whoever reads it. */
export interface Answer {
  readonly status: number;
  readonly header: (name: string) => OutgoingHttpHeader | undefined;
  readonly body: string;
}

/** Says what is wrong with an answer, if anything. */
export type AnswerCheck = (answer: Answer) => string | undefined;

const nameOf = ($ref: string): string => $ref.split('/').at(-1) ?? '';
const pointer = (...steps: readonly string[]): string =>
  `#/${steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;

/**
 * The check of what a request is answered, by a description in which no further field is allowed; undefined where it
 * describes no such path or method: those are 404 and 405.
 */
export function answerChecks(document: OpenApiDocument): (method: string, path: string) => AnswerCheck | undefined {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(closed({ paths: document.paths, components: document.components }) as object, 'openapi');
  const compiled = new Map<string, ValidateFunction>();
  const validatorAt = (at: string): ValidateFunction => {
    const found = compiled.get(at) ?? ajv.compile({ $ref: `openapi${at}` });
    compiled.set(at, found);
    return found;
  };
  const component = (section: string, name: string): unknown => document.components[section]?.[name];
  const templates = Object.keys(document.paths)
    .map((template) => ({ template, pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }))
    // As routers do: what is written out comes before what stands for anything.
    .toSorted((a, b) => Number(a.template.includes('{')) - Number(b.template.includes('{')));

  const headerFault = (name: string, value: OutgoingHttpHeader | undefined): string | undefined => {
    const { required, schema } = describedHeader.parse(component('headers', name));
    if (value === undefined) return required ? `without ${name}` : undefined;
    const validate = validatorAt(pointer('components', 'headers', name, 'schema'));
    return validate(schema.type === 'integer' ? Number(value) : String(value))
      ? undefined
      : `${name}: ${String(value)}`;
  };

  return (method, asked) => {
    const path = asked.replace(/(?<=.)\/$/, '');
    const template = templates.find(({ pattern }) => pattern.test(path))?.template;
    const name = method === 'HEAD' ? 'get' : method.toLowerCase();
    const operation = document.paths[template ?? '']?.[name] as { responses: Record<string, unknown> } | undefined;
    if (template === undefined || operation === undefined) return undefined;

    return ({ status, header, body }) => {
      const subject = `${method} ${template} -> ${status}`;
      const response = operation.responses[status];
      if (response === undefined) return `${subject}: no such status is described`;
      const { $ref } = reference.partial().parse(response);
      const at = $ref ?? pointer('paths', template, name, 'responses', String(status));
      const { headers, content } = described.parse(
        $ref === undefined ? response : component('responses', nameOf($ref)),
      );

      for (const headerName of Object.keys(headers)) {
        const fault = headerFault(headerName, header(headerName));
        if (fault !== undefined) return `${subject}: ${fault}`;
      }
      if (method === 'HEAD' || Object.keys(content).length === 0) return undefined;

      const type = String(header('Content-Type')).split(';', 1)[0] ?? '';
      const media = content[type];
      if (media === undefined) return `${subject}: ${type} is not described`;
      if (type !== 'application/json') return undefined;
      const value: unknown = JSON.parse(body);
      const validate = validatorAt(`${at}/content/application~1json/schema`);
      if (!validate(value)) return `${subject}: ${ajv.errorsText(validate.errors, { dataVar: 'body' })}`;
      return messageFault(subject, status, media.example, value);
    };
  };
}

/** The message of a success is the one in its example. */
function messageFault(
  subject: string,
  status: number,
  example: Readonly<Record<string, unknown>> | undefined,
  body: unknown,
): string | undefined {
  const expected = example?.['message'];
  if (status >= 300 || typeof expected !== 'string') return undefined; // or it is no envelope
  const { message } = z.object({ message: z.string() }).parse(body);
  return message === expected ? undefined : `${subject}: says "${message}", not "${expected}"`;
}
