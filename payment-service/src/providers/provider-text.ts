import { z } from 'zod';

/** Text from a provider, as PostgreSQL can hold it: a verdict counts, whatever its reason is written in. */
export const providerText = z
  .string()
  .transform((text) => text.replaceAll('\0', '').toWellFormed())
  .pipe(z.string().min(1));
