import {
  GraphQLError,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  valueFromASTUntyped,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

type Rule =
  | 'depth'
  | 'cost'
  | 'aliases'
  | 'introspection'
  | 'tokens'
  | 'lines'
  | 'directives'
  | 'operations'
  | 'fragments'
  | 'fields'
  | 'repeats'
  | 'logins'
  | 'validation'
  | 'answer';

/** A query asks for too much. The client is shown which rule it breaks, and never how far it may go. */
export class QueryTooComplex extends GraphQLError {
  constructor(rule: Rule) {
    // As a faulty query: status 400 in GraphQL's own media type, 200 in application/json (GraphQL over HTTP, 6.4).
    super(`Query is too complex: ${rule}`, {
      extensions: { code: 'QUERY_TOO_COMPLEX', http: { status: 400, spec: true } },
    });
  }
}

export interface Complexity {
  /** Fields below each other. */
  depth: number;
  /** Fields that would be resolved, were every list as long as it may get. */
  cost: number;
  aliases: number;
  /** Fields that make user-service hash a password. */
  logins: number;
  /** Times that `__schema` is asked for. */
  schemas: number;
  /** Times that `__type` is. */
  types: number;
  /** What is asked for below them, counted as `cost` is. */
  introspection: number;
}

export interface Operation {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Readonly<Record<string, unknown>>;
}

/** How long a list is taken to be that has no `limit`. */
const ASSUMED_LENGTH = 10;
/** The services refuse a larger `limit`; it must not be refused here first, in other words. */
const MAX_LIMIT = 100;
/** Tools that read the schema need none below `__schema`; each asks for the whole of a long list once more. */
const COST_OF_SCHEMA_ALIAS = 2_000;
const LOGINS = new Set(['login', 'register', 'changePassword']);
const introspectionFields = new Map(
  [SchemaMetaFieldDef, TypeMetaFieldDef, TypeNameMetaFieldDef].map((field) => [field.name, field]),
);

/** What a selection asks for, as far as it is known before the length of the lists directly in it is. */
interface Selected extends Complexity {
  /** What such lists cost for each of their items. */
  costPerItem: number;
}

const NOTHING: Selected = {
  depth: 0,
  cost: 0,
  costPerItem: 0,
  aliases: 0,
  logins: 0,
  schemas: 0,
  types: 0,
  introspection: 0,
};

const add = (a: Selected, b: Selected): Selected => ({
  depth: Math.max(a.depth, b.depth),
  cost: a.cost + b.cost,
  costPerItem: a.costPerItem + b.costPerItem,
  aliases: a.aliases + b.aliases,
  logins: a.logins + b.logins,
  schemas: a.schemas + b.schemas,
  types: a.types + b.types,
  introspection: a.introspection + b.introspection,
});

const costOf = ({ cost, costPerItem }: Selected, listLength: number): number => cost + listLength * costPerItem;

/**
 * Measures an operation in one walk that counts each fragment once and multiplies, so that fragments in fragments can't
 * blow it up. Own code: the packages at hand take list lengths from literals only, or walk a fragment at each use. What is
 * measured need not be valid: unknown fields count for nothing, and so do fragments in a circle.
 */
export function measure({ schema, document, operation, variables }: Operation): Complexity {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const measured = new Map<string, Selected>();
  const values = { ...defaultsOf(operation), ...variables };

  function ofFragment(name: string): Selected {
    const known = measured.get(name);
    if (known) return known;
    measured.set(name, NOTHING); // for the way back to it, if it is a circle
    const fragment = fragments.get(name);
    const type = schema.getType(fragment?.typeCondition.name.value ?? '');
    if (fragment === undefined || !isObjectType(type)) return NOTHING;
    const selected = ofSelection(fragment.selectionSet, type);
    measured.set(name, selected);
    return selected;
  }

  function ofSelection({ selections }: SelectionSetNode, type: GraphQLObjectType): Selected {
    return selections
      .map((selection) => {
        if (selection.kind === Kind.FIELD) return ofField(selection, type);
        if (selection.kind === Kind.FRAGMENT_SPREAD) return ofFragment(selection.name.value);
        return ofSelection(selection.selectionSet, type);
      })
      .reduce(add, NOTHING);
  }

  function ofField(node: FieldNode, parent: GraphQLObjectType): Selected {
    const introspection = introspectionFields.get(node.name.value);
    const field = introspection ?? parent.getFields()[node.name.value];
    if (field === undefined) return NOTHING;
    const type = getNamedType(field.type);
    const below = node.selectionSet && isObjectType(type) ? ofSelection(node.selectionSet, type) : NOTHING;
    const aliases = below.aliases + (node.alias === undefined ? 0 : 1);
    // Exempt from depth, which graphql-js bounds in lists, and with a cost of its own: it asks no service.
    if (introspection) {
      return {
        ...NOTHING,
        aliases,
        schemas: introspection === SchemaMetaFieldDef ? 1 : 0,
        types: introspection === TypeMetaFieldDef ? 1 : 0,
        introspection: costOf(below, ASSUMED_LENGTH) + below.aliases * COST_OF_SCHEMA_ALIAS,
      };
    }
    return {
      ...below,
      ...ofList(field, node, below),
      depth: 1 + below.depth,
      aliases,
      logins: (parent === schema.getMutationType() && LOGINS.has(field.name) ? 1 : 0) + below.logins,
    };
  }

  /** What a field costs, a list or not, whose items cost what is `below`. */
  function ofList(field: GraphQLField<unknown, unknown>, node: FieldNode, below: Selected) {
    const limit = limitOf(field, node, values);
    const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
    // A connection is no list itself: its `limit` says how long the list in it is.
    if (!isList) return { cost: 1 + costOf(below, limit ?? ASSUMED_LENGTH), costPerItem: 0 };
    // Each item is fetched, also where nothing but its `__typename` is asked for.
    const ofItem = Math.max(1, costOf(below, ASSUMED_LENGTH));
    return limit === undefined ? { cost: 1, costPerItem: ofItem } : { cost: 1 + limit * ofItem, costPerItem: 0 };
  }

  const root = schema.getRootType(operation.operation);
  if (!root) return NOTHING;
  const selected = ofSelection(operation.selectionSet, root);
  return { ...selected, cost: costOf(selected, ASSUMED_LENGTH) };
}

function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): Record<string, unknown> {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue === undefined ? [] : [[variable.name.value, valueFromASTUntyped(defaultValue)]],
    ),
  );
}

/** How long a field's list gets at most; undefined where its length can't be chosen. */
function limitOf(field: GraphQLField<unknown, unknown>, node: FieldNode, values: Record<string, unknown>) {
  if (!field.args.some(({ name }) => name === 'limit')) return undefined;
  const given = node.arguments?.find(({ name }) => name.value === 'limit');
  const value = given === undefined ? undefined : valueFromASTUntyped(given.value, values);
  return typeof value === 'number' ? Math.min(Math.max(value, 1), MAX_LIMIT) : ASSUMED_LENGTH;
}
