import {
  GraphQLError,
  Kind,
  TokenKind,
  parse,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  type SelectionSetNode,
  type Source,
} from 'graphql';
import { tokensOf } from './document-cache.js';
import { QueryTooComplex } from './query-complexity.js';

const MAX_TOKENS = 2_000;
/** An error says its line, and graphql-js counts the lines up to it again for each. */
const MAX_LINES = 2_000;
const MAX_DIRECTIVES = 50;
const MAX_OPERATIONS = 20;
const MAX_FRAGMENTS = 50;
const MAX_SPREADS = 100;
/** Of all definitions, each with all that is in its fragments. */
const MAX_SELECTIONS = 5_000;
/** Selections times fragments: the fields of each are looked for in each other. */
const MAX_LOOKUPS = 50_000;
/** Pairs of fields that stand in the same place under the same name: graphql-js compares each with each. */
const MAX_REPEATS = 2_500;

/** What graphql-js says of too long a document, with its number. */
const TOO_LONG = /^Syntax Error: Document contains more tha[nt] \d+ (?:tokens|comments)/;

/** Stops parsing where a document is too long. Throws QueryTooComplex. */
export function parseShort(text: string | Source, options?: Parameters<typeof parse>[1]): DocumentNode {
  try {
    return parse(text, { ...options, maxLexicalTokens: MAX_TOKENS, maxComments: MAX_TOKENS });
  } catch (error) {
    if (error instanceof GraphQLError && TOO_LONG.test(error.message)) throw new QueryTooComplex('tokens');
    throw error;
  }
}

/**
 * Refuses what takes time or memory before anything is executed, in a time that grows with the document's length alone.
 * What is measured need not be valid. Throws QueryTooComplex, and GraphQLError where fragments go in a circle.
 */
export function refuseLong(document: DocumentNode): void {
  const tokens = tokensOf(document);
  if (tokens.length > MAX_TOKENS) throw new QueryTooComplex('tokens');
  if ((document.loc?.endToken.line ?? 1) > MAX_LINES) throw new QueryTooComplex('lines');
  const directives = tokens.filter(({ kind }) => kind === TokenKind.AT);
  if (directives.length > MAX_DIRECTIVES) throw new QueryTooComplex('directives');
  // GraphiQL sends all operations of a tab.
  const operations = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  if (operations.length > MAX_OPERATIONS) throw new QueryTooComplex('operations');
  new Selections(document).refuseTooMany();
}

const inCircle = (spread: FragmentSpreadNode): GraphQLError =>
  new GraphQLError(`Cannot spread fragment "${spread.name.value}" within itself`, {
    nodes: spread,
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400, spec: true } },
  });

/** All fields that stand in one place under one name, and what is selected below them. */
interface Group {
  fields: number;
  readonly below: SelectionSetNode[];
}

/** What a document selects once its fragments are put in. */
class Selections {
  readonly #document: DocumentNode;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  /** undefined while a fragment is being measured. */
  readonly #sizes = new Map<FragmentDefinitionNode, number | undefined>();
  #spreads = 0;
  #repeats = 0;

  constructor(document: DocumentNode) {
    this.#document = document;
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(definition.name.value, definition);
    }
  }

  /** Throws as `refuseLong` does. */
  refuseTooMany(): void {
    const { definitions } = this.#document;
    const fragments = definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
    if (fragments.length > MAX_FRAGMENTS) throw new QueryTooComplex('fragments');
    const sets = definitions.flatMap((definition) => ('selectionSet' in definition ? [definition.selectionSet] : []));
    let size = 0;
    for (const definition of definitions) {
      if (definition.kind === Kind.OPERATION_DEFINITION) size += this.#sizeOf(definition.selectionSet);
      if (definition.kind === Kind.FRAGMENT_DEFINITION) size += this.#sizeOfFragment(definition);
    }
    if (this.#spreads > MAX_SPREADS) throw new QueryTooComplex('fragments');
    if (size > MAX_SELECTIONS || size * fragments.length > MAX_LOOKUPS) throw new QueryTooComplex('fields');
    // Only now: it goes through all that was counted.
    for (const set of sets) this.#countRepeats([set]);
  }

  /** How much a selection holds, each fragment measured once and added at each use. */
  #sizeOf({ selections }: SelectionSetNode): number {
    let size = selections.length;
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) size += this.#sizeOfSpread(selection);
      else if (selection.selectionSet) size += this.#sizeOf(selection.selectionSet);
    }
    return size;
  }

  #sizeOfSpread(spread: FragmentSpreadNode): number {
    this.#spreads++;
    const fragment = this.#fragments.get(spread.name.value);
    if (fragment === undefined) return 0;
    // Validation would say the same, among much else; what is in a circle has no size to go by.
    if (this.#sizes.has(fragment) && this.#sizes.get(fragment) === undefined) throw inCircle(spread);
    return this.#sizeOfFragment(fragment);
  }

  #sizeOfFragment(fragment: FragmentDefinitionNode): number {
    const known = this.#sizes.get(fragment);
    if (known !== undefined) return known;
    this.#sizes.set(fragment, undefined);
    const size = this.#sizeOf(fragment.selectionSet);
    this.#sizes.set(fragment, size);
    return size;
  }

  /** Adds the repeats in selections that stand in the same place, and in all that is below them. */
  #countRepeats(sets: readonly SelectionSetNode[]): void {
    const groups = new Map<string, Group>();
    const spread = new Set<string>(); // graphql-js doesn't compare a fragment with itself
    for (const set of sets) this.#group(set, groups, spread);
    for (const { fields, below } of groups.values()) {
      this.#repeats += (fields * (fields - 1)) / 2;
      if (this.#repeats > MAX_REPEATS) throw new QueryTooComplex('repeats');
      if (below.length > 0) this.#countRepeats(below);
    }
  }

  #group({ selections }: SelectionSetNode, groups: Map<string, Group>, spread: Set<string>): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) addField(groups, selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) this.#group(selection.selectionSet, groups, spread);
      else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = this.#fragments.get(selection.name.value);
        if (fragment) this.#group(fragment.selectionSet, groups, spread);
      }
    }
  }
}

function addField(groups: Map<string, Group>, { alias, name, selectionSet }: FieldNode): void {
  const key = (alias ?? name).value;
  const group = groups.get(key) ?? { fields: 0, below: [] };
  group.fields++;
  if (selectionSet) group.below.push(selectionSet);
  groups.set(key, group);
}
