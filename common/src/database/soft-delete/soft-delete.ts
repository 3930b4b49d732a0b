import { Prisma } from '@prisma/client/extension';
import { type Arguments, ModelFields, type SoftDeleteOptions } from './model-fields.js';
import { SoftDeleteUnsupported, VisibleArguments } from './visible-arguments.js';

const CREATE_OPERATIONS = new Set(['create', 'createMany', 'createManyAndReturn']);
const READ_AND_UPDATE_OPERATIONS = new Set([
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
/** Of models that aren't deletable. On deletable ones delete and deleteMany are replaced, upsert is refused. */
const OTHER_OPERATIONS = new Set(['delete', 'deleteMany', 'upsert']);

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
 * A Prisma client extension for models with a `deletedAt`: rows that have it set are invisible to every query; `delete`
 * and `deleteMany` set it. A query that names `deletedAt` in its `where` decides for itself.
 *
 * Everything else is refused with SoftDeleteUnsupported, on every model of the client: relations in filters and orders,
 * relations in `select`, `include` and `data` that `relations` doesn't name, upserts of deletable models. Raw SQL is
 * not looked at.
 *
 * `generated` is the namespace `Prisma` of the generated client: it names the models and their fields.
 */
export function softDelete(generated: object, options: SoftDeleteOptions) {
  const fields = new ModelFields(generated, options);
  const visible = new VisibleArguments(fields);
  // Typed as no model at all, so the built-in signatures of delete and deleteMany stay in force.
  // eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- empty is what is meant
  const model: Record<never, never> = Object.fromEntries(
    options.models.map((name) => [name.charAt(0).toLowerCase() + name.slice(1), removers]),
  );
  return Prisma.defineExtension({
    name: 'soft-delete',
    model,
    query: {
      $allModels: {
        $allOperations({ model, operation, args, query }) {
          const isCreation = CREATE_OPERATIONS.has(operation);
          const isAllowed =
            isCreation ||
            READ_AND_UPDATE_OPERATIONS.has(operation) ||
            (OTHER_OPERATIONS.has(operation) && !fields.isDeletable(model));
          if (!isAllowed) throw new SoftDeleteUnsupported(`${model}.${operation} can't be kept to visible rows`);
          // Rewritten arguments are arguments of the same query still.
          return query((isCreation ? visible.ofNew(model, args) : visible.ofExisting(model, args)) as typeof args);
        },
      },
    },
  });
}
