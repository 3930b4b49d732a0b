import { z } from 'zod';

/**
 * How resources are read by another process than the one that writes them. Versions roll out in any order, so that a
 * reader ignores fields it does not know, takes values of enums that it does not know as text, and takes what may be null
 * for null where it is absent. A field that a later version adds is optional or nullable here.
 */
export function reader<S extends z.ZodObject>(schema: S) {
  const names = Object.entries(schema.shape).flatMap(([name, field]) =>
    z.safeParse(field, null).success ? [name] : [],
  );
  const absent = Object.fromEntries(names.map((name) => [name, null]));
  return z.preprocess(
    (value) =>
      typeof value === 'object' && value !== null && names.some((name) => !(name in value))
        ? { ...absent, ...value }
        : value,
    schema,
  );
}
