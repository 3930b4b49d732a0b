import type { DataModel } from './data-model.js';

export type Arguments = Record<string, unknown>;

/** A query that would show or really delete softly deleted rows, and that can't be changed so that it doesn't. */
export class SoftDeleteUnsupported extends Error {
  override readonly name = 'SoftDeleteUnsupported';
}

/** Nested writes that look like a query of their own: `{ where, data }`, `{ where, create, update }`. */
const OPERATIONS_WITH_ARGUMENTS = new Set(['update', 'updateMany', 'upsert', 'connectOrCreate', 'createMany']);

const isArguments = (value: unknown): value is Arguments =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

function mapEach(value: unknown, change: (item: Arguments) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => mapEach(item, change));
  return isArguments(value) ? change(value) : value;
}

function mapEntries(value: Arguments, change: (key: string, value: unknown) => unknown): Arguments {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(key, item)]));
}

/** Rewrites the arguments of Prisma's queries so that softly deleted rows are neither read, counted nor changed. */
export class VisibleArguments {
  readonly #schema: DataModel;

  constructor(schema: DataModel) {
    this.#schema = schema;
  }

  /** Arguments of any query that reads, changes or counts rows which exist. */
  ofExisting(model: string, args: Arguments): Arguments {
    return { ...this.ofNew(model, args), ...this.#where(model, args.where) };
  }

  /** Arguments of a query that creates rows. */
  ofNew(model: string, args: Arguments): Arguments {
    this.#checkOrder(model, args.orderBy);
    const changed: Arguments = { ...args };
    for (const key of ['include', 'select']) {
      if (isArguments(args[key])) changed[key] = this.#selection(model, args[key]);
    }
    for (const key of ['data', 'create', 'update']) {
      if (key in args) changed[key] = this.#data(model, args[key]);
    }
    return changed;
  }

  #where(model: string, where: unknown): Arguments {
    if (where === undefined && !this.#schema.isDeletable(model)) return {};
    return { where: this.#visible(model, where ?? {}) };
  }

  /** A caller that says what `deletedAt` must be has decided for itself which rows it wants. */
  #visible(model: string, where: unknown): unknown {
    return mapEach(where, (filter) => {
      const visible = this.#filter(model, filter);
      const undecided = this.#schema.isDeletable(model) && visible.deletedAt === undefined;
      return undecided ? { ...visible, deletedAt: null } : visible;
    });
  }

  #filter(model: string, where: Arguments): Arguments {
    return mapEntries(where, (key, value) => {
      if (key === 'AND' || key === 'OR' || key === 'NOT') return mapEach(value, (part) => this.#filter(model, part));
      const target = this.#schema.relation(model, key);
      return target === undefined ? value : this.#relationFilter(`${model}.${key}`, target, value);
    });
  }

  #relationFilter(path: string, target: string, filter: unknown): unknown {
    if (filter === undefined) return undefined;
    const deletable = this.#schema.isDeletable(target);
    if (!isArguments(filter)) {
      if (deletable) throw new SoftDeleteUnsupported(`${path}: null takes a deleted ${target} for one; use its key`);
      return filter;
    }
    const quantifiers = ['some', 'none', 'every', 'is', 'isNot'].filter((quantifier) => quantifier in filter);
    if (quantifiers.length === 0) return this.#visible(target, filter);
    return mapEntries(filter, (quantifier, condition) => {
      if (condition === null) return this.#relationFilter(path, target, condition);
      if (quantifier !== 'every' || !deletable) return this.#visible(target, condition);
      return mapEach(condition, (part) => ({ OR: [{ deletedAt: { not: null } }, this.#filter(target, part)] }));
    });
  }

  #selection(model: string, selection: Arguments): Arguments {
    return mapEntries(selection, (field, value) => {
      if (value === undefined || value === false) return value;
      if (field === '_count') return this.#counts(model, value);
      const target = this.#schema.relation(model, field);
      if (target === undefined) return value;
      if (!this.#schema.isDeletable(target)) return isArguments(value) ? this.ofExisting(target, value) : value;
      if (!this.#schema.isList(model, field)) {
        throw new SoftDeleteUnsupported(
          `${model}.${field} may lead to a deleted ${target}, and Prisma filters lists only: read it by a query of its ` +
            `own, or declare the relation if it is a list`,
        );
      }
      return this.ofExisting(target, isArguments(value) ? value : {});
    });
  }

  #counts(model: string, counts: unknown): unknown {
    const selection = isArguments(counts) ? counts.select : undefined;
    if (!isArguments(selection)) {
      if (this.#schema.leadsToDeletable(model)) {
        throw new SoftDeleteUnsupported(`_count of ${model} counts deleted rows too: select what to count by name`);
      }
      return counts;
    }
    return {
      select: mapEntries(selection, (field, value) => {
        const target = this.#schema.relation(model, field);
        if (target === undefined || value === undefined || value === false) return value;
        const where = this.#where(target, isArguments(value) ? value.where : undefined);
        return 'where' in where ? where : value;
      }),
    };
  }

  #checkOrder(model: string, order: unknown): void {
    mapEach(order, (fields) =>
      mapEntries(fields, (field, direction) => {
        const target = this.#schema.relation(model, field);
        if (target === undefined) return;
        if (this.#schema.isDeletable(target)) {
          throw new SoftDeleteUnsupported(`ordering ${model} by ${field} looks at deleted rows of ${target} too`);
        }
        this.#checkOrder(target, direction);
      }),
    );
  }

  #data(model: string, data: unknown): unknown {
    return mapEach(data, (fields) =>
      mapEntries(fields, (field, value) => {
        const target = this.#schema.relation(model, field);
        if (target === undefined || !isArguments(value)) return value;
        return mapEntries(value, (operation, content) =>
          this.#schema.isDeletable(target)
            ? this.#writeToDeletable(`${model}.${field}`, target, operation, content)
            : this.#writeToOther(target, operation, content),
        );
      }),
    );
  }

  #writeToDeletable(path: string, target: string, operation: string, content: unknown): unknown {
    if (content === undefined) return undefined;
    if (operation === 'create') return this.#data(target, content);
    if (operation === 'createMany') return content;
    if (operation === 'connect') return this.#visible(target, content);
    throw new SoftDeleteUnsupported(`${path}: { ${operation} } may touch deleted rows: write to ${target} by itself`);
  }

  #writeToOther(target: string, operation: string, content: unknown): unknown {
    return mapEach(content, (item) => {
      // `update` over a to-one relation may hold the data alone.
      if (operation === 'create' || (operation === 'update' && !('data' in item))) return this.#data(target, item);
      if (OPERATIONS_WITH_ARGUMENTS.has(operation)) return this.ofExisting(target, item);
      return this.#filter(target, item); // connect, disconnect, set, delete, deleteMany
    });
  }
}
