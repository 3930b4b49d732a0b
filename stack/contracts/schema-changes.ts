// What of a JSON Schema has changed so that whoever reads, or writes, by the released one would break. Readers ignore fields that
// they don't know, and survive new values of an enum (docs/versioning.md); all else that they were promised must stay.

/** A change of what is published that somebody must follow, or cease to work. */
export interface BreakingChange {
  /** Who has to follow it. */
  whom: string;
  what: string;
}

/** A JSON Schema, as far as those of events, requests and answers go. */
export interface JsonSchema {
  readonly $id?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;
}

/** What a value can be, each in its own way. Beside a type they are conditions on it. */
const alternativesOf = ({ type, anyOf, oneOf }: JsonSchema): readonly JsonSchema[] | undefined =>
  type === undefined ? (anyOf ?? oneOf) : undefined;

const kindOf = (value: unknown): string => (value === null ? 'null' : typeof value);

/** Each kind of value that a schema allows: alternatives that are the same but for their limits are one. */
function kindsOf(schema: JsonSchema): readonly string[] {
  const alternatives = alternativesOf(schema);
  if (alternatives) return [...new Set(alternatives.flatMap(kindsOf))];
  if (schema.type !== undefined) return [schema.type].flat();
  const values = valuesOf(schema);
  return values ? [...new Set(values.map(kindOf))] : ['anything'];
}

/** The values of an enum or a constant; undefined: they are not listed. */
function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  const alternatives = alternativesOf(schema);
  if (alternatives === undefined) return schema.const === undefined ? schema.enum : [schema.const];
  const listed = alternatives.map((each) => valuesOf(each) ?? (each.type === 'null' ? [null] : undefined));
  return listed.every((values) => values !== undefined) ? listed.flat() : undefined;
}

/** An integer is a number, too. */
const covers = (kinds: readonly string[], kind: string): boolean =>
  kinds.includes(kind) || kinds.includes('anything') || (kind === 'integer' && kinds.includes('number'));

/** The alternative that is an object, or an array. */
const alternative = (schema: JsonSchema, has: 'properties' | 'items'): JsonSchema | undefined =>
  [schema, ...(alternativesOf(schema) ?? [])].find((each) => each[has] !== undefined);

/** The alternative that is no null: the one that limits are for. */
const valueSchema = (schema: JsonSchema): JsonSchema =>
  alternativesOf(schema)?.find(({ type }) => type !== 'null') ?? schema;

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** What readers of `released` at `path` were promised, and `current` does not keep. */
export function* readerChanges(path: string, released: JsonSchema, current: JsonSchema): Generator<string> {
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
      yield* readerChanges(field, schema, next);
    }
  }
  const [items, nextItems] = [alternative(released, 'items')?.items, alternative(current, 'items')?.items];
  if (items && nextItems) yield* readerChanges(`${path}[]`, items, nextItems);
}

const leasts = ['minLength', 'minItems', 'minimum', 'exclusiveMinimum'] as const;
const mosts = ['maxLength', 'maxItems', 'maximum', 'exclusiveMaximum'] as const;
const conditions = ['pattern', 'format', 'multipleOf', 'not'] as const;

/** Values of one field that `current` refuses, and `released` did not. */
function* limitChanges(path: string, released: JsonSchema, current: JsonSchema): Generator<string> {
  for (const name of leasts) {
    const limit = current[name];
    if (limit !== undefined && limit > (released[name] ?? -Infinity)) yield `${path} has the ${name} ${limit}`;
  }
  for (const name of mosts) {
    const limit = current[name];
    if (limit !== undefined && limit < (released[name] ?? Infinity)) yield `${path} has the ${name} ${limit}`;
  }
  for (const name of conditions) {
    const condition = current[name];
    if (condition !== undefined && !isSame(condition, released[name])) {
      yield `${path} has the ${name} ${JSON.stringify(condition)}`;
    }
  }
}

/** What writers of `released` at `path` could send, and `current` refuses or ignores. */
export function* writerChanges(path: string, released: JsonSchema, current: JsonSchema): Generator<string> {
  const [written, taken] = [kindsOf(released), kindsOf(current)];
  const refused = written.filter((kind) => !covers(taken, kind));
  if (refused.length > 0) yield `${path} takes ${taken.join(' or ')}, and took ${written.join(' or ')}`;
  const [values, nextValues] = [valuesOf(released), valuesOf(current)];
  if (nextValues && refused.length === 0) {
    const gone = values?.filter((value) => !nextValues.includes(value));
    if (gone === undefined) yield `${path} takes only ${nextValues.join(', ')}`;
    else if (gone.length > 0) yield `${path} takes ${gone.join(', ')} no more`;
  }
  yield* limitChanges(path, valueSchema(released), valueSchema(current));
  const [combinations, nextCombinations] = [released, current].map(({ type, anyOf }) => (type ? anyOf : undefined));
  const isKept = (combination: JsonSchema) => nextCombinations?.some((next) => isSame(next, combination));
  if (nextCombinations && !combinations?.every(isKept)) yield `${path} demands other combinations of fields`;

  const [before, after] = [alternative(released, 'properties'), alternative(current, 'properties')];
  const isRequired = (name: string) => !before?.required?.includes(name) && after?.required?.includes(name) === true;
  for (const [name, schema] of Object.entries(before?.properties ?? {})) {
    const next = after?.properties?.[name];
    if (next === undefined) yield `${path}.${name} has no effect any more`;
    else yield* writerChanges(`${path}.${name}`, schema, next);
  }
  for (const name of (after?.required ?? []).filter(isRequired)) yield `${path}.${name} is required`;
  if (after?.additionalProperties === false && before?.additionalProperties !== false) {
    yield `${path} takes no other fields`;
  }
  const [items, nextItems] = [alternative(released, 'items')?.items, alternative(current, 'items')?.items];
  if (items && nextItems) yield* writerChanges(`${path}[]`, items, nextItems);
}
