import { z } from 'zod';
import { readSecret, type GivenSecret } from './secret-file.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** How one variable of the environment is read. */
export interface Setting<T> {
  /** From the variable's text; undefined when it is unset or empty. */
  schema: z.ZodType<T>;
  /** Why production refuses this text, if it does. */
  productionFault?: (value: string) => string | undefined;
  /** Spaces around the text belong to it, as in a password. */
  isVerbatim?: boolean;
  /** May be in a file instead, whose path is in the variable of this name and _FILE. */
  isSecret?: boolean;
  /** Makes the text of other variables where this one is unset or empty. Throws SettingsError, naming those. */
  compose?: (environment: Environment) => string | undefined;
}

/** The values of a set of settings, by variable name. */
export type Settings<S extends Record<string, Setting<unknown>>> = {
  [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/**
 * What a variable is called by whoever set it: SETTING_NAMES has the names of those that were passed on under another one, such
 * as `DATABASE_USER=ORDER_DB_OWNER DATABASE_NAME=ORDER_DB_NAME`.
 */
const nameSet = (name: string, { SETTING_NAMES = '' }: Environment): string => {
  const names = SETTING_NAMES.split(/\s+/).map((pair) => pair.split('='));
  return names.find(([passedOn]) => passedOn === name)?.[1] ?? name;
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
  for (const [name, setting] of Object.entries(settings)) {
    try {
      values[name] = readSetting(name, setting, environment);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      faults.push(...error.faults);
    }
  }
  if (faults.length > 0) throw new SettingsError(faults);
  // Each value came out of the schema of the same name above.
  return values as Settings<S>;
}

function readSetting<T>(name: string, setting: Setting<T>, environment: Environment): T {
  const { schema, productionFault, isVerbatim = false, isSecret = false, compose } = setting;
  const source: GivenSecret = isSecret ? readSecret(name, environment) : { suffix: '', text: environment[name] };
  const { suffix, text: given } = source;
  const fail = (fault: string): never => {
    throw new SettingsError([`${nameSet(name, environment)}${suffix} ${fault}`]);
  };
  if (source.fault !== undefined) return fail(source.fault);
  const text = (isVerbatim ? given : given?.trim()) || undefined;
  const parsed = schema.safeParse(text ?? compose?.(environment));
  if (!parsed.success) return fail(reasonOf(text, parsed.error));
  const fault = environment.NODE_ENV === 'production' && text !== undefined ? productionFault?.(text) : undefined;
  if (fault !== undefined) return fail(fault);
  return parsed.data;
}
