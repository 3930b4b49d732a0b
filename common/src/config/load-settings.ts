import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

/** How one variable of the environment is read. */
export interface Setting<T> {
  /** From the variable's text; undefined when it is unset or empty. */
  schema: z.ZodType<T>;
  /** Why production refuses this text, if it does. */
  productionFault?: (value: string) => string | undefined;
}

/** The values of a set of settings, by variable name. */
export type Settings<S extends Record<string, Setting<unknown>>> = {
  [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/** What is wrong with the environment, one line a fault, each naming its variable and never its value. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

const reasonOf = (value: string | undefined, error: z.ZodError): string =>
  value === undefined ? 'is missing' : error.issues.map((issue) => issue.message).join('; ');

/** Reads all settings at once. Throws SettingsError with every fault. An empty variable counts as unset. */
export function loadSettings<S extends Record<string, Setting<unknown>>>(
  settings: S,
  environment: Environment,
): Settings<S> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { schema, productionFault }] of Object.entries(settings)) {
    const text = environment[name]?.trim() || undefined;
    const parsed = schema.safeParse(text);
    if (!parsed.success) {
      faults.push(`${name} ${reasonOf(text, parsed.error)}`);
      continue;
    }
    values[name] = parsed.data;
    const fault = environment.NODE_ENV === 'production' && text !== undefined ? productionFault?.(text) : undefined;
    if (fault !== undefined) faults.push(`${name} ${fault}`);
  }
  if (faults.length > 0) throw new SettingsError(faults);
  // Each value came out of the schema of the same name above.
  return values as Settings<S>;
}
