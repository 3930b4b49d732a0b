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

/** A query asks for too much. The client is told which rule it breaks, and never how far it may go. */
export class QueryTooComplex extends GraphQLError {
  constructor(rule: 'depth' | 'cost' | 'aliases' | 'tokens' | 'directives' | 'operations' | 'log-ins') {
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
  logIns: number;
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
const LOG_INS = new Set(['login', 'register', 'changePassword']);
const introspectionFields = new Map(
  [SchemaMetaFieldDef, TypeMetaFieldDef, TypeNameMetaFieldDef].map((field) => [field.name, field]),
);
const NOTHING: Complexity = { depth: 0, cost: 0, aliases: 0, logIns: 0 };

const add = (a: Complexity, b: Complexity): Complexity => ({
  depth: Math.max(a.depth, b.depth),
  cost: a.cost + b.cost,
  aliases: a.aliases + b.aliases,
  logIns: a.logIns + b.logIns,
});

/**
 * Measures an operation in one walk that counts each fragment once and multiplies, so that fragments in fragments can't
 * blow it up. Own code: the packages at hand take list lengths from literals only, or walk a fragment at each use.
 */
export function measure({ schema, document, operation, variables }: Operation): Complexity {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const measured = new Map<string, Complexity>();
  const values = { ...defaultsOf(operation), ...variables };

  function ofFragment(name: string, listLength: number): Complexity {
    const fragment = fragments.get(name);
    const type = schema.getType(fragment?.typeCondition.name.value ?? '');
    if (fragment === undefined || !isObjectType(type)) return NOTHING;
    const key = `${listLength} ${name}`;
    const known = measured.get(key) ?? ofSelection(fragment.selectionSet, type, listLength);
    measured.set(key, known);
    return known;
  }

  /** `listLength`: how long lists are that are directly below. */
  function ofSelection({ selections }: SelectionSetNode, type: GraphQLObjectType, listLength: number): Complexity {
    return selections
      .map((selection) => {
        if (selection.kind === Kind.FIELD) return ofField(selection, type, listLength);
        if (selection.kind === Kind.FRAGMENT_SPREAD) return ofFragment(selection.name.value, listLength);
        return ofSelection(selection.selectionSet, type, listLength);
      })
      .reduce(add, NOTHING);
  }

  function ofField(node: FieldNode, parent: GraphQLObjectType, listLength: number): Complexity {
    const aliases = node.alias === undefined ? 0 : 1;
    const introspection = introspectionFields.get(node.name.value);
    const field = introspection ?? parent.getFields()[node.name.value];
    if (field === undefined) return NOTHING;
    const limit = limitOf(field, node, values);
    const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
    const length = isList ? (limit ?? listLength) : 1;
    const type = getNamedType(field.type);
    // A connection is no list itself: its `limit` says how long the list in it is.
    const below =
      node.selectionSet && isObjectType(type)
        ? ofSelection(node.selectionSet, type, isList ? ASSUMED_LENGTH : (limit ?? ASSUMED_LENGTH))
        : NOTHING;
    // Exempt from depth and cost: it asks no service, and graphql-js bounds how deep it goes.
    if (introspection) return { ...NOTHING, aliases: aliases + below.aliases };
    return {
      depth: 1 + below.depth,
      cost: 1 + length * below.cost,
      aliases: aliases + below.aliases,
      logIns: (parent === schema.getMutationType() && LOG_INS.has(field.name) ? 1 : 0) + below.logIns,
    };
  }

  const root = schema.getRootType(operation.operation);
  return root ? ofSelection(operation.selectionSet, root, ASSUMED_LENGTH) : NOTHING;
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
