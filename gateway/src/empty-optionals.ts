import {
  defaultFieldResolver,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isNonNullType,
  isObjectType,
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';

type Inputs = Readonly<Record<string, { readonly type: GraphQLInputType }>>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The values without the optional ones that are empty, also in input objects and lists of them. */
function withoutEmpty(values: Record<string, unknown>, inputs: Inputs): Record<string, unknown> {
  const entries = Object.entries(values).flatMap(([name, value]): [string, unknown][] => {
    const type = inputs[name]?.type;
    if (type === undefined) return [[name, value]];
    if (value === '' && !isNonNullType(type)) return [];
    const named = getNamedType(type);
    if (!isInputObjectType(named)) return [[name, value]];
    const clean = (item: unknown): unknown => (isRecord(item) ? withoutEmpty(item, named.getFields()) : item);
    return [[name, Array.isArray(value) ? value.map(clean) : clean(value)]];
  });
  return Object.fromEntries(entries);
}

const hasOptionals = (inputs: Inputs): boolean =>
  Object.values(inputs).some(({ type }) => {
    const named = getNamedType(type);
    return !isNonNullType(type) || (isInputObjectType(named) && hasOptionals(named.getFields()));
  });

/** No word of an enum is empty; where one is required, its absence is for the service to refuse. */
function readEmptyAsNull(type: GraphQLEnumType): void {
  const parse = type.parseValue.bind(type);
  type.parseValue = (value, hideSuggestions): unknown => (value === '' ? null : parse(value, hideSuggestions));
}

function leaveOutEmpty(field: GraphQLField<unknown, unknown>): void {
  const inputs = Object.fromEntries(field.args.map((argument) => [argument.name, argument]));
  if (!hasOptionals(inputs)) return;
  const { resolve = defaultFieldResolver } = field;
  field.resolve = (parent, values: Record<string, unknown>, context, info): unknown =>
    resolve(parent, withoutEmpty(values, inputs), context, info);
}

/**
 * Makes a schema read optional inputs that are "" as absent: clients of languages without null, such as Go, send so what
 * is not set.
 */
export function readEmptyAsAbsent(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type)) continue;
    if (isEnumType(type)) readEmptyAsNull(type);
    if (isObjectType(type)) Object.values(type.getFields()).forEach(leaveOutEmpty);
  }
}
