import { createHash } from 'node:crypto';
import { idempotencyKey } from '@shop/common/http';
import { responsePathAsArray, type GraphQLResolveInfo } from 'graphql';

const MAX_LENGTH = 255;

/** The idempotency key under which a mutation field asks a service. */
export type FieldKey = (field: Pick<GraphQLResolveInfo, 'path'>) => string | undefined;

/**
 * Derives a key for each field from the header Idempotency-Key of the whole request, which may hold several mutations:
 * the same request again has the same keys. Answers undefined without the header; throws InvalidInput on a bad one.
 */
export const createFieldKey =
  (header: string | undefined): FieldKey =>
  ({ path }) => {
    const key = idempotencyKey({ 'idempotency-key': header });
    if (key === undefined) return undefined;
    const derived = [key, ...responsePathAsArray(path)].join('/');
    return derived.length <= MAX_LENGTH ? derived : createHash('sha256').update(derived).digest('hex');
  };
