// What of the events has changed so that a consumer of the released ones would break. Consumers ignore fields that they don't
// know, and survive new values of an enum (docs/events.md); all else that they were promised must stay.
import type { BreakingChange } from './breaking-change.ts';

/** A JSON Schema, as far as those of events go. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** Schemas of whole events, by type. */
export type EventSchemas = Readonly<Record<string, JsonSchema>>;

/** Each kind of value that a schema allows: alternatives that are the same but for their limits are one. */
const kindsOf = (schema: JsonSchema): readonly string[] => {
  if (schema.anyOf) return [...new Set(schema.anyOf.flatMap(kindsOf))];
  if (schema.const !== undefined) return [typeof schema.const];
  if (schema.enum) return [...new Set(schema.enum.map((value) => (value === null ? 'null' : typeof value)))];
  return [schema.type ?? 'anything'].flat();
};

/** An integer is a number, too. */
const covers = (kinds: readonly string[], kind: string): boolean =>
  kinds.includes(kind) || kinds.includes('anything') || (kind === 'integer' && kinds.includes('number'));

/** The alternative that is an object, or an array. */
const alternative = (schema: JsonSchema, has: 'properties' | 'items'): JsonSchema | undefined =>
  [schema, ...(schema.anyOf ?? [])].find((each) => each[has] !== undefined);

function* faultsOf(path: string, released: JsonSchema, current: JsonSchema): Generator<string> {
  const promised = kindsOf(released);
  const unknown = kindsOf(current).filter((kind) => !covers(promised, kind));
  if (unknown.length > 0) yield `${path} may be ${unknown.join(' or ')}, and was ${promised.join(' or ')}`;
  if (released.const !== undefined && released.const !== current.const) {
    yield `${path} is not ${JSON.stringify(released.const)} any more`;
  }
  if (released.format !== undefined && released.format !== current.format) {
    yield `${path} has no longer the format ${released.format}`;
  }
  const [before, after] = [alternative(released, 'properties'), alternative(current, 'properties')];
  for (const [name, schema] of Object.entries(before?.properties ?? {})) {
    const field = `${path}.${name}`;
    const next = after?.properties?.[name];
    if (next === undefined) yield `${field} is missing`;
    else {
      if (before?.required?.includes(name) && !after?.required?.includes(name)) yield `${field} may be missing`;
      yield* faultsOf(field, schema, next);
    }
  }
  const [items, nextItems] = [alternative(released, 'items')?.items, alternative(current, 'items')?.items];
  if (items && nextItems) yield* faultsOf(`${path}[]`, items, nextItems);
}

export const eventChanges = (released: EventSchemas, current: EventSchemas): BreakingChange[] =>
  Object.entries(released).flatMap(([type, schema]) => {
    const whom = `consumers of ${type}`;
    const next = current[type];
    if (next === undefined) return [{ whom, what: 'the event is published no more' }];
    return [...faultsOf(type, schema, next)].map((what) => ({ whom, what }));
  });
