import { z } from 'zod';

/** The part of a generated client's description of itself that tells which relation leads to which model. */
const runtimeDataModel = z.object({
  models: z.record(
    z.string(),
    z.object({ fields: z.array(z.object({ name: z.string(), kind: z.string(), type: z.string() })) }),
  ),
});

export interface SoftDeleteOptions {
  /** The models with a `deletedAt`, e.g. `['Order']`. */
  models: readonly string[];
  /** The to-many relations that lead to one of them and may be read by include or select, e.g. `['User.posts']`. */
  lists: readonly string[];
}

/** What the extension must know of the schema: which models can be deleted softly, and what leads to them. */
export class DataModel {
  readonly #deletable: ReadonlySet<string>;
  readonly #lists: ReadonlySet<string>;
  /** Model -> relation -> the model it leads to. */
  readonly #relations: ReadonlyMap<string, ReadonlyMap<string, string>>;

  /** Throws when a name isn't in the schema: a typing error must not leave deleted rows visible. */
  constructor(description: unknown, { models, lists }: SoftDeleteOptions) {
    const described = runtimeDataModel.parse(description).models;
    for (const model of models) {
      const hasMark = described[model]?.fields.some((field) => field.name === 'deletedAt');
      if (!hasMark) throw new Error(`soft delete: the schema has no model ${model} with a field deletedAt`);
    }
    this.#deletable = new Set(models);
    this.#relations = new Map(
      Object.entries(described).map(([model, { fields }]) => [
        model,
        new Map(fields.filter((field) => field.kind === 'object').map((field) => [field.name, field.type])),
      ]),
    );
    for (const list of lists) {
      const [model = '', field = ''] = list.split('.');
      const target = this.relation(model, field);
      if (target === undefined || !this.isDeletable(target)) {
        throw new Error(`soft delete: ${list} is no relation to one of ${models.join(', ')}`);
      }
    }
    this.#lists = new Set(lists);
  }

  isDeletable(model: string): boolean {
    return this.#deletable.has(model);
  }

  /** The model that a field leads to, undefined if it is no relation. */
  relation(model: string, field: string): string | undefined {
    return this.#relations.get(model)?.get(field);
  }

  isList(model: string, field: string): boolean {
    return this.#lists.has(`${model}.${field}`);
  }

  leadsToDeletable(model: string): boolean {
    return [...(this.#relations.get(model)?.values() ?? [])].some((target) => this.isDeletable(target));
  }
}
