import { z } from 'zod';
import { digestOf } from './canonical-json.ts';
import { BerthError } from './errors.ts';
import { runConfigSchema, type RunConfig } from './run-config.ts';

/**
 * What a setting decides first, as its key in the schema says: the tokenised `data`, the `examples` made of them, the
 * `weights` trained on those, of these only through the learning `rate` of each step and how many there are, or `nothing` of a
 * run's bits. Of a path it is the `content` that decides, not the name.
 */
const kinds = ['data', 'examples', 'weights', 'rate', 'content', 'nothing'] as const;
export type Decides = (typeof kinds)[number];

/** A key of the run config. */
export interface Setting {
  /** `train.numSteps` */
  readonly path: string;
  readonly decides: Decides;
  /** What earlier releases did, which had no such key: a value that leaves identities as they were. */
  readonly absentAs?: unknown;
}

/** All settings, in the order of the schema. */
export const settings: readonly Setting[] = settingsOf(runConfigSchema, []);

/** A setting that two configs state differently. */
export interface SettingChange extends Setting {
  readonly before: unknown;
  readonly after: unknown;
}

/** The settings of these kinds in which two configs differ, in the order of the schema. */
export function changedSettings(
  before: RunConfig,
  after: RunConfig,
  of: readonly Decides[],
): SettingChange[] {
  return settings
    .filter(({ decides }) => of.includes(decides))
    .map((setting) => ({
      ...setting,
      before: valueAt(before, setting.path),
      after: valueAt(after, setting.path),
    }))
    .filter((change) => digestOf([change.before]) !== digestOf([change.after]));
}

/** Digest of the settings that decide the weights: on equal data, configs with the same hash give the same bits. */
export function trainingHash(config: RunConfig): string {
  const deciding = settings.filter(({ decides }) => decides !== 'nothing' && decides !== 'content');
  return digestOf(Object.fromEntries(deciding.map(({ path }) => [path, valueAt(config, path)])));
}

/** The part of a section of the config that decides examples. */
export function exampleSettings(examples: RunConfig['examples']): Record<string, unknown> {
  return Object.fromEntries(
    settings
      .filter(({ decides }) => decides === 'examples')
      .map(({ path, absentAs }) => {
        const key = path.replace('examples.', '');
        return { key, value: examples[key as keyof typeof examples], absentAs };
      })
      .filter(({ value, absentAs }) => value !== absentAs)
      .map(({ key, value }) => [key, value]),
  );
}

function settingsOf(schema: z.core.$ZodType, path: readonly string[]): Setting[] {
  if (schema instanceof z.ZodPrefault) return settingsOf(schema.unwrap(), path);
  if (schema instanceof z.ZodOptional && schema.unwrap() instanceof z.ZodObject)
    return settingsOf(schema.unwrap(), path);
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape as z.core.$ZodShape).flatMap(([key, inner]) =>
      settingsOf(inner, [...path, key]),
    );
  const { decides, absentAs } = z.globalRegistry.get(schema) ?? {};
  const known = kinds.find((kind) => kind === decides);
  if (known === undefined)
    throw new BerthError('INTERNAL', `The schema does not say what ${path.join('.')} decides`);
  return [{ path: path.join('.'), decides: known, ...(absentAs !== undefined && { absentAs }) }];
}

function valueAt(config: RunConfig, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], config);
}
