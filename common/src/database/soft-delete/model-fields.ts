import { z } from 'zod';

export type Arguments = Record<string, unknown>;

export interface SoftDeleteOptions {
  /** The models with a `deletedAt`, e.g. `['Order']`. */
  models: readonly string[];
  /** The relations that queries may name, and where they lead, e.g. `{ 'User.sessions': 'Session' }`. */
  relations?: Readonly<Record<string, string>>;
}

const names = z.record(z.string(), z.string());

/** The fields of a schema's models that are columns, by the generated client's own enums, and its relations in use. */
export class ModelFields {
  readonly #deletable: ReadonlySet<string>;
  readonly #columns: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #relations: ReadonlyMap<string, string>;

  /** Throws when a name isn't in the schema: a typing error must not leave deleted rows visible. */
  constructor(generated: object, { models, relations = {} }: SoftDeleteOptions) {
    const enumOf = (name: string) => Object.keys(names.parse(Reflect.get(generated, name)));
    this.#columns = new Map(
      enumOf('ModelName').map((model) => [model, new Set(enumOf(`${model}ScalarFieldEnum`))] as const),
    );
    for (const model of models) {
      if (!this.isColumn(model, 'deletedAt')) {
        throw new Error(`soft delete: the schema has no model ${model} with a field deletedAt`);
      }
    }
    for (const [path, target] of Object.entries(relations)) {
      const [model = '', field = ''] = path.split('.');
      if (!this.#columns.has(model) || this.isColumn(model, field) || !this.#columns.has(target)) {
        throw new Error(`soft delete: ${path} is no relation to ${target}`);
      }
    }
    this.#deletable = new Set(models);
    this.#relations = new Map(Object.entries(relations));
  }

  isDeletable(model: string): boolean {
    return this.#deletable.has(model);
  }

  isColumn(model: string, field: string): boolean {
    return this.#columns.get(model)?.has(field) ?? false;
  }

  /** The model that a relation in use leads to. */
  target(model: string, field: string): string | undefined {
    return this.#relations.get(`${model}.${field}`);
  }
}
