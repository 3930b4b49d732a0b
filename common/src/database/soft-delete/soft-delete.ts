import { Prisma } from '@prisma/client/extension';
import { DataModel } from './data-model.js';
import { type Arguments, SoftDeleteUnsupported, VisibleArguments } from './visible-arguments.js';

const CREATING = new Set(['create', 'createMany', 'createManyAndReturn']);
const READING_OR_UPDATING = new Set([
  'findFirst',
  'findFirstOrThrow',
  'findMany',
  'findUnique',
  'findUniqueOrThrow',
  'count',
  'aggregate',
  'groupBy',
  'update',
  'updateMany',
  'updateManyAndReturn',
]);
/** Safe where rows are never deleted softly. On other models delete and deleteMany are replaced, upsert is refused. */
const REST = new Set(['delete', 'deleteMany', 'upsert']);

interface Updatable {
  update(args: Arguments): Promise<unknown>;
  updateMany(args: Arguments): Promise<unknown>;
}

/** Methods in place of the built-in ones. They stay inside a transaction, which a query extension would leave. */
const removers = {
  delete(this: unknown, args: Arguments) {
    return updatable(this).update({ ...args, data: { deletedAt: new Date() } });
  },
  deleteMany(this: unknown, args: Arguments = {}) {
    return updatable(this).updateMany({ ...args, data: { deletedAt: new Date() } });
  },
};

// Typed for any schema: Prisma can't know here that each model has these methods.
const updatable = (model: unknown) => Prisma.getExtensionContext(model) as unknown as Updatable;

/**
 * A Prisma client extension for models with a `deletedAt`: rows that have it set are invisible to every query, nested
 * reads, relation filters and counts included; `delete` and `deleteMany` set it. A query that names `deletedAt` in its
 * `where` decides for itself. What can't be filtered throws SoftDeleteUnsupported: upsert, to-one relations to a
 * deletable model, nested writes to one other than create, createMany and connect. Raw SQL is not looked at.
 *
 * `lists` names the to-many relations to deletable models that may be read by include or select, e.g. `User.posts`: the
 * generated client doesn't say which relations are lists.
 */
export function softDelete(models: readonly string[], lists: readonly string[] = []) {
  // Typed as no model at all, so the built-in signatures of delete and deleteMany stay in force.
  // eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- empty is what is meant
  const model: Record<never, never> = Object.fromEntries(
    models.map((name) => [name.charAt(0).toLowerCase() + name.slice(1), removers]),
  );
  return Prisma.defineExtension((client) => {
    // The generated client has no public description of its relations since Prisma 7; DataModel checks this one's shape.
    const schema = new DataModel(Reflect.get(client, '_runtimeDataModel'), { models, lists });
    const visible = new VisibleArguments(schema);
    return client.$extends({
      name: 'soft-delete',
      model,
      query: {
        $allModels: {
          $allOperations({ model, operation, args, query }) {
            // Rewritten arguments are arguments of the same query still.
            if (CREATING.has(operation)) return query(visible.ofNew(model, args) as typeof args);
            const allowed = READING_OR_UPDATING.has(operation) || (REST.has(operation) && !schema.isDeletable(model));
            if (!allowed) throw new SoftDeleteUnsupported(`${model}.${operation} can't be kept to visible rows`);
            return query(visible.ofExisting(model, args) as typeof args);
          },
        },
      },
    });
  });
}
