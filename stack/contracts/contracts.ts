// What is published of the system, as it is now and as it was released last.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventJsonSchema, eventTypes } from '@shop/common/contracts';
import type { OpenApiDocument } from '@shop/common/http';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { descriptionSchema, mergeDescriptions } from '../../gateway/src/openapi.ts';
import { repository } from '../paths.ts';
import { graphqlChanges, toSchema } from './graphql-changes.ts';
import { openApiChanges } from './openapi-changes.ts';
import { readerChanges, type BreakingChange, type JsonSchema } from './schema-changes.ts';

/** Schemas of whole events, by type. */
type EventSchemas = Readonly<Record<string, JsonSchema>>;

export interface Contracts {
  /** The REST API of all services in OpenAPI. */
  openapi: object;
  /** The GraphQL schema as a document. */
  graphql: string;
  events: EventSchemas;
}

const released = path.join(import.meta.dirname, 'released');
const files = {
  openapi: path.join(released, 'openapi.json'),
  graphql: path.join(released, 'schema.graphql'),
  events: path.join(released, 'events.json'),
};

/** The REST API of all services, made of the descriptions that they keep: their tests hold them to what is served. */
export function describeApi(): OpenApiDocument {
  const descriptions = globSync('*-service/openapi.json', { cwd: repository })
    .toSorted()
    .map((file) => descriptionSchema.parse(JSON.parse(readFileSync(path.join(repository, file), 'utf8'))));
  return mergeDescriptions('all services', descriptions);
}

export function currentContracts(): Contracts {
  const source = path.join(repository, 'gateway/src');
  const parts = globSync('**/*.graphql', { cwd: source }).toSorted();
  const document = parts.map((file) => readFileSync(path.join(source, file), 'utf8')).join('\n');
  return {
    openapi: describeApi(),
    graphql: `${printSchema(lexicographicSortSchema(toSchema(document)))}\n`,
    events: Object.fromEntries(eventTypes.map((type) => [type, eventJsonSchema(type)])),
  };
}

export const releasedContracts = (): Contracts => ({
  openapi: JSON.parse(readFileSync(files.openapi, 'utf8')) as object, // as `release` has written it, and the events
  graphql: readFileSync(files.graphql, 'utf8'),
  events: JSON.parse(readFileSync(files.events, 'utf8')) as EventSchemas,
});

const asJson = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** From now on these are what must not break. */
export function release({ openapi, graphql, events }: Contracts): void {
  writeFileSync(files.openapi, asJson(openapi));
  writeFileSync(files.graphql, graphql);
  writeFileSync(files.events, asJson(events));
}

/** `today` as 2026-01-31. */
export async function breakingChanges(before: Contracts, after: Contracts, today: string): Promise<BreakingChange[]> {
  return [
    ...openApiChanges(before.openapi, after.openapi, today),
    ...(await graphqlChanges(toSchema(before.graphql), toSchema(after.graphql), today)),
    ...eventChanges(before.events, after.events),
  ];
}

/** What of the events has changed so that a consumer of the released ones would break. */
function eventChanges(released: EventSchemas, current: EventSchemas): BreakingChange[] {
  return Object.entries(released).flatMap(([type, schema]) => {
    const whom = `consumers of ${type}`;
    const next = current[type];
    if (next === undefined) return [{ whom, what: 'the event is published no more' }];
    const names =
      schema.$id === next.$id || schema.$id === undefined
        ? []
        : [`its schema is called ${next.$id}, and was ${schema.$id}`];
    return [...names, ...readerChanges(type, schema, next)].map((what) => ({ whom, what }));
  });
}
