// What of the events has changed so that a consumer of the released ones would break.
import type { BreakingChange } from './breaking-change.ts';
import { readerChanges, type JsonSchema } from './schema-changes.ts';

/** Schemas of whole events, by type. */
export type EventSchemas = Readonly<Record<string, JsonSchema>>;

export const eventChanges = (released: EventSchemas, current: EventSchemas): BreakingChange[] =>
  Object.entries(released).flatMap(([type, schema]) => {
    const whom = `consumers of ${type}`;
    const next = current[type];
    if (next === undefined) return [{ whom, what: 'the event is published no more' }];
    const names =
      schema.$id === next.$id || schema.$id === undefined
        ? []
        : [`its schema is called ${next.$id}, and was ${schema.$id}`];
    return [...names, ...readerChanges(type, schema, next)].map((what) => ({ whom, what }));
  });
