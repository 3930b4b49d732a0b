import type { Arguments, ModelFields } from './model-fields.js';

/** A query that would show or really delete softly deleted rows, or of which we can't say that it doesn't. */
export class SoftDeleteUnsupported extends Error {
  override readonly name = 'SoftDeleteUnsupported';
}

const COMBINATIONS = new Set(['AND', 'OR', 'NOT']);
/** Arguments that name columns at most: Prisma's types see to that. */
const HARMLESS = new Set(
  'take skip distinct by having skipDuplicates omit _count _avg _sum _min _max limit'.split(' '),
);

const isObject = (value: unknown): value is Arguments =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

function mapEach(value: unknown, change: (item: Arguments) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => mapEach(item, change));
  return isObject(value) ? change(value) : value;
}

function mapEntries(value: Arguments, change: (key: string, value: unknown) => unknown): Arguments {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(key, item)]));
}

/** Rewrites the arguments of Prisma's queries so that softly deleted rows are neither read, counted nor changed. */
export class VisibleArguments {
  readonly #fields: ModelFields;

  constructor(fields: ModelFields) {
    this.#fields = fields;
  }

  /** Arguments of any query that reads, changes or counts rows which exist. */
  ofExisting(model: string, args: Arguments): Arguments {
    const where = this.#fields.isDeletable(model) ? { where: args.where ?? {} } : {};
    return this.ofNew(model, { ...args, ...where });
  }

  /** Arguments of a query that creates rows. */
  ofNew(model: string, args: Arguments): Arguments {
    return mapEntries(args, (key, value) => {
      if (value === undefined || HARMLESS.has(key)) return value;
      if (key === 'where') return this.#visible(model, value);
      if (key === 'cursor' || key === 'orderBy') return mapEach(value, (columns) => this.#columnsOnly(model, columns));
      if (key === 'select' || key === 'include') return mapEach(value, (fields) => this.#selection(model, fields));
      if (key === 'data' || key === 'create' || key === 'update') return this.#data(model, value);
      throw new SoftDeleteUnsupported(`${model}: the argument ${key} is not known`);
    });
  }

  /** A caller that says what `deletedAt` must be has decided for itself which rows it wants. */
  #visible(model: string, where: unknown): unknown {
    return mapEach(where, (filter) => {
      const columns = this.#columnsOnly(model, filter);
      const isUndecided = this.#fields.isDeletable(model) && columns.deletedAt === undefined;
      return isUndecided ? { ...columns, deletedAt: null } : columns;
    });
  }

  #columnsOnly(model: string, value: Arguments): Arguments {
    return mapEntries(value, (key, item) => {
      if (COMBINATIONS.has(key)) return mapEach(item, (part) => this.#columnsOnly(model, part));
      if (item === undefined || this.#fields.isColumn(model, key)) return item;
      throw new SoftDeleteUnsupported(`${model}.${key} is no column: filter and order by columns alone`);
    });
  }

  #selection(model: string, selection: Arguments): Arguments {
    return mapEntries(selection, (field, value) => {
      if (value === undefined || value === false || this.#fields.isColumn(model, field)) return value;
      if (field === '_count') return this.#counts(model, value);
      const target = this.#target(model, field);
      const args = this.ofExisting(target, isObject(value) ? value : {});
      return Object.keys(args).length === 0 ? true : args;
    });
  }

  #counts(model: string, counts: unknown): unknown {
    if (!isObject(counts) || !isObject(counts.select)) {
      throw new SoftDeleteUnsupported(`_count of ${model} counts deleted rows too: select what to count by name`);
    }
    return { select: this.#selection(model, counts.select) };
  }

  #data(model: string, data: unknown): unknown {
    return mapEach(data, (fields) =>
      mapEntries(fields, (field, value) => {
        if (value === undefined || this.#fields.isColumn(model, field)) return value;
        const target = this.#target(model, field);
        return mapEach(value, (writes) =>
          mapEntries(writes, (operation, content) => {
            if (operation === 'create') return this.#data(target, content);
            if (operation === 'createMany') return content;
            if (operation === 'connect') return this.#visible(target, content);
            throw new SoftDeleteUnsupported(`${model}.${field}: { ${operation} }: write to ${target} by itself`);
          }),
        );
      }),
    );
  }

  #target(model: string, field: string): string {
    const target = this.#fields.target(model, field);
    if (target === undefined) {
      throw new SoftDeleteUnsupported(
        `${model}.${field} is no relation in use: read it by a query of its own, or name it`,
      );
    }
    return target;
  }
}
