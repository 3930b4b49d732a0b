// Searches for documents that cost much: changes the worst that were found so far, and keeps what is worse still.
import { getNamedType, isObjectType, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A selection: a field, or `...` with or without a name. */
interface Selection {
  kind: 'field' | 'inline' | 'spread';
  name: string;
  alias?: string;
  argument?: string;
  directives: number;
  /** How often it stands there, one after the other. */
  times: number;
  type?: GraphQLObjectType;
  below: Selection[];
}

interface Fragment {
  name: string;
  type: GraphQLObjectType;
  below: Selection[];
}

interface Genome {
  operation: { type: GraphQLObjectType; variables: number; times: number; below: Selection[] };
  fragments: Fragment[];
  before: string;
}

export interface FuzzerOptions {
  schema: GraphQLSchema;
  seed: number;
  /** How bad a document is; higher is worse. */
  score: (query: string) => Promise<number>;
  /** Only documents that can be executed: no names that don't exist, nothing that means nothing. */
  isValid: boolean;
  maxBytes: number;
}

export interface Finding {
  readonly query: string;
  readonly score: number;
}

const KEPT = 20;

export class DocumentFuzzer {
  readonly #options: FuzzerOptions;
  readonly #generator;
  readonly #types: GraphQLObjectType[];
  #names = 0;
  #worst: { genome: Genome; query: string; score: number }[] = [];
  #tried = 0;

  constructor(options: FuzzerOptions) {
    this.#options = options;
    this.#generator = xoroshiro128plus(options.seed);
    const { schema, isValid } = options;
    this.#types = [schema.getQueryType(), ...(isValid ? [] : [schema.getMutationType()])].filter(isObjectType);
  }

  get tried(): number {
    return this.#tried;
  }

  /** The worst documents so far, the worst of all first. */
  get worst(): readonly Finding[] {
    return this.#worst;
  }

  /** Tries documents until `isEnough`. */
  async run(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) {
      const parent = this.#below(10) === 0 ? undefined : this.#pick(this.#worst)?.genome;
      const genome = parent ? structuredCopy(parent) : this.#fresh();
      for (let changes = 1 + this.#below(6); changes > 0; changes--) this.#change(genome);
      const query = textOf(genome, this.#options.maxBytes);
      if (query !== undefined) await this.#try(genome, query);
    }
  }

  async #try(genome: Genome, query: string): Promise<void> {
    this.#tried++;
    const score = await this.#options.score(query);
    if (this.#worst.some((other) => other.query === query)) return;
    this.#worst = [...this.#worst, { genome, query, score }].sort((a, b) => b.score - a.score).slice(0, KEPT);
  }

  #fresh(): Genome {
    const type = this.#pick(this.#types) ?? raise('no types');
    return {
      operation: { type, variables: 0, times: 1, below: this.#someFields(type) },
      fragments: [],
      before: '',
    };
  }

  #below(limit: number): number {
    return uniformInt(this.#generator, 0, Math.max(0, limit - 1));
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : items[this.#below(items.length)];
  }

  #someFields(type: GraphQLObjectType, depth = 0): Selection[] {
    return Array.from({ length: 1 + this.#below(3) }, () => this.#someField(type, depth));
  }

  #someField(parent: GraphQLObjectType, depth: number): Selection {
    const fields = Object.values(parent.getFields());
    const field = this.#pick(fields) ?? raise('no fields');
    const named = getNamedType(field.type);
    const isLost = !this.#options.isValid && this.#below(15) === 0;
    const required = field.args.filter(({ type }) => type.toString().endsWith('!'));
    if (required.length > 0 && this.#options.isValid) return leaf('__typename');
    if (isObjectType(named) && depth > 6) return leaf('__typename');
    const selection = leaf(isLost ? `x${this.#below(1_000)}` : field.name);
    if (field.args.some(({ name }) => name === 'limit')) selection.argument = `limit: ${1 + this.#below(100)}`;
    if (isObjectType(named)) {
      selection.type = named;
      selection.below = this.#someFields(named, depth + 1);
    }
    return selection;
  }

  #change(genome: Genome): void {
    const places: { type: GraphQLObjectType; below: Selection[] }[] = [genome.operation, ...genome.fragments];
    for (const place of places) {
      for (const { type, below } of place.below) if (type && places.length < 500) places.push({ type, below });
    }
    const { type, below } = this.#pick(places) ?? raise('no place');
    const one = this.#pick(below);
    const kinds = this.#options.isValid ? 7 : 13;
    switch (this.#below(kinds)) {
      case 0:
        below.push(...this.#someFields(type));
        break;
      case 1:
        if (one) one.alias = `a${this.#names++}`;
        break;
      case 2: // the same again, under another name
        for (let more = this.#below(30); one && more > 0; more--) {
          below.push({ ...one, alias: `a${this.#names++}` });
        }
        break;
      case 3: {
        const name = `F${this.#names++}`;
        genome.fragments.push({ name, type, below: below.splice(0, 1 + this.#below(below.length)) });
        below.push({ ...leaf(name), kind: 'spread' });
        break;
      }
      case 4: {
        const fragment = this.#pick(genome.fragments.filter((other) => other.type === type && other.below !== below));
        if (fragment) below.push({ ...leaf(fragment.name), kind: 'spread' });
        break;
      }
      case 5: // a copy of a fragment, used beside it
        for (let more = this.#below(40); more > 0; more--) {
          const fragment = this.#pick(genome.fragments.filter((other) => other.type === type));
          if (fragment === undefined) break;
          const name = `F${this.#names++}`;
          genome.fragments.push({ ...fragment, name, below: [...fragment.below] });
          below.push({ ...leaf(name), kind: 'spread' });
        }
        break;
      case 6:
        if (one?.argument) one.argument = `limit: ${1 + this.#below(100)}`;
        else below.splice(0, below.length, { ...leaf(''), kind: 'inline', type, below: [...below] });
        break;
      case 7:
        if (one) one.times = 1 + this.#below(300);
        break;
      case 8:
        genome.before = (this.#pick(['\n', ',', '#\n', '#x', '\ufeff', ' \t']) ?? '').repeat(this.#below(40_000));
        break;
      case 9:
        if (one) one.argument = this.#someArgument();
        break;
      case 10:
        if (one) one.directives = this.#below(60);
        break;
      case 11:
        genome.operation.variables = this.#below(500);
        break;
      default:
        if (this.#below(2) === 0) genome.operation.times = 1 + this.#below(25);
        else if (one) one.name = one.name.slice(0, 1_000).repeat(1 + this.#below(50));
    }
  }

  #someArgument(): string {
    const size = this.#below(5_000);
    const deep = this.#below(600);
    return (
      this.#pick([
        `id: "${'x'.repeat(size)}"`,
        `id: """${'\n x'.repeat(size)}"""`,
        `limit: ${'9'.repeat(size + 1)}`,
        `status: ${'pend'.repeat(1 + (size % 50))}`,
        `input: ${'['.repeat(deep)}${']'.repeat(deep)}`,
        `input: ${'{a:'.repeat(deep)}1${'}'.repeat(deep)}`,
        `input: { items: [${'{quantity:"x"},'.repeat(size % 400)}] }`,
        Array.from({ length: size % 400 }, (_, i) => `limit: ${i}`).join(' ') || 'limit: 1',
        `limit: $v${size % 500}`,
        `id: "${'\\u0061'.repeat(size)}"`,
      ]) ?? ''
    );
  }
}

const raise = (message: string): never => {
  throw new Error(message);
};

const leaf = (name: string): Selection => ({ kind: 'field', name, directives: 0, times: 1, below: [] });

/** Types are shared, all else is copied. */
function structuredCopy({ operation, fragments, before }: Genome): Genome {
  const copy = (selections: readonly Selection[]): Selection[] =>
    selections.map((selection) => ({ ...selection, below: copy(selection.below) }));
  return {
    operation: { ...operation, below: copy(operation.below) },
    fragments: fragments.map((fragment) => ({ ...fragment, below: copy(fragment.below) })),
    before,
  };
}

/** undefined where it would be longer: repeats in repeats multiply. */
function textOf({ operation, fragments, before }: Genome, maxLength: number): string | undefined {
  const state: { isTooLong: boolean } = { isTooLong: false };
  const repeat = (text: string, times: number): string => {
    state.isTooLong ||= text.length * times > maxLength;
    return state.isTooLong ? '' : text.repeat(times);
  };
  const ofAll = (selections: readonly Selection[]): string =>
    selections.length === 0 ? '{ __typename }' : `{ ${selections.map(ofOne).join(' ')} }`;
  const ofOne = ({ kind, name, alias, argument, directives, times, type, below }: Selection): string => {
    if (state.isTooLong) return '';
    const head = kind === 'field' ? `${alias === undefined ? '' : `${alias}: `}${name}` : `...${name}`;
    const text = `${head}${argument === undefined ? '' : `(${argument})`} ${'@skip(if: false) '.repeat(directives)}${type ? ofAll(below) : ''}`;
    return repeat(`${text} `, times);
  };
  const variables = Array.from({ length: operation.variables }, (_, i) => `$v${i}: Int`).join(' ');
  const selected = ofAll(operation.below);
  const operations = Array.from(
    { length: operation.times },
    (_, i) => `${operation.type.name.toLowerCase()} Q${i} ${variables === '' ? '' : `(${variables})`} ${selected}`,
  );
  const parts = fragments.map(({ name, type, below }) => `fragment ${name} on ${type.name} ${ofAll(below)}`);
  const text = `${before}\n${[...operations, ...parts].join('\n')}`;
  return state.isTooLong || text.length > maxLength ? undefined : text;
}
