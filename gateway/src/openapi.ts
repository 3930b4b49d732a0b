import { Router } from 'express';
import {
  documentHead,
  edgeComponents,
  edgeResponses,
  lazily,
  markRoute,
  readOnly,
  servedDocument,
  serveDocument,
  usedComponents,
  type OfferedDescription,
  type OpenApiDocument,
  type ServiceClient,
} from '@shop/common/http';
import { z } from 'zod';

/** Milliseconds that a document is remembered. */
const FRESH = 60_000;

const AT = '/openapi.json';
const ALL = 'all services';

/** What every process answers, and nginx to nobody. */
const INTERNAL_PATHS = ['/ready', '/metrics'];

export const descriptionSchema = z.object({
  info: z.object({ version: z.string() }),
  tags: z.array(z.object({ name: z.string(), description: z.string() })),
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ responses: z.record(z.string(), z.unknown()) }))),
  components: z.record(z.string(), z.record(z.string(), z.unknown())),
});
export type Description = z.infer<typeof descriptionSchema>;

/** The operations of a path with what nginx may answer instead. */
const behindNginx = (methods: Description['paths'][string]) =>
  Object.fromEntries(
    Object.entries(methods).map(([method, operation]) => [
      method,
      { ...operation, responses: { ...edgeResponses, ...operation.responses } },
    ]),
  );

/** One document of several, without what clients cannot reach, and with what nginx answers itself. What more than one has, such as the errors, is the same in all. */
export function mergeDescriptions(title: string, descriptions: readonly Description[]): OpenApiDocument {
  const paths = Object.fromEntries(
    descriptions
      .flatMap((description) => Object.entries(description.paths))
      .filter(([path]) => !INTERNAL_PATHS.includes(path))
      .map(([path, methods]) => [path, behindNginx(methods)] as const),
  );
  const components: Record<string, Record<string, unknown>> = {};
  const described = [edgeComponents(), ...descriptions.map((description) => description.components)];
  for (const [section, parts] of described.flatMap((sections) => Object.entries(sections))) {
    components[section] = { ...components[section], ...parts };
  }
  const { securitySchemes = {} } = components;
  const tags = new Map(descriptions.flatMap((description) => description.tags).map((tag) => [tag.name, tag]));
  return {
    ...documentHead({ title, version: descriptions[0]?.info.version ?? '' }),
    tags: [...tags.values()].toSorted((a, b) => a.name.localeCompare(b.name)),
    paths,
    components: { ...usedComponents(paths, components), securitySchemes },
  };
}

/** Reads again what is older than FRESH, and what could not be read. */
function remembered<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | undefined;
  return () => {
    if (last === undefined || Date.now() - last.at >= FRESH) {
      const reading = { at: Date.now(), value: read() };
      last = reading;
      reading.value.catch(() => {
        if (last === reading) last = undefined;
      });
    }
    return last.value;
  };
}

/** A service by its name, and who asks it. */
export interface DescribedBy {
  readonly name: string;
  readonly client: Pick<ServiceClient, 'document'>;
}

const pathOf = (name: string): string => `/openapi/${name}.json`;

/** What Swagger UI offers of the services of these names. */
export const offeredDescriptions = (names: readonly string[]): OfferedDescription[] => [
  { name: ALL, url: AT },
  ...names.map((name) => ({ name, url: pathOf(name) })),
];

/**
 * /openapi.json: what all services answer, and the gateway itself (`describeOwn`), as one document; and what each service
 * does. Where a service is down there is no document of the whole: a part of it would pass for all.
 */
export function openApiRouter(services: readonly DescribedBy[], describeOwn: () => OpenApiDocument): Router {
  const own = lazily(() => descriptionSchema.parse(describeOwn()));
  const read = ({ client }: DescribedBy) => client.document(descriptionSchema, AT);
  const router = Router({ caseSensitive: true });
  const serve = (path: string, title: string, describe: () => Promise<readonly Description[]>) => {
    const document = remembered(async () => servedDocument(mergeDescriptions(title, await describe())));
    router.route(path).get(markRoute(path), serveDocument(document)).all(readOnly);
  };

  serve(AT, ALL, async () => [...(await Promise.all(services.map(read))), own()]);
  for (const service of services) serve(pathOf(service.name), service.name, async () => [await read(service)]);
  return router;
}
