import { z } from 'zod';
import { digestOf } from './canonical-json.ts';
import { BerthError } from './errors.ts';
import { firstNameOf } from './renamed-settings.ts';
import { runConfigSchema, type RunConfig } from './run-config.ts';

/**
 * What a setting decides first, as its key in the schema says: the tokenised `data`, the `examples` made of them, the
 * `weights` trained on those, of these only through the learning `rate` of each step and how many there are, or `nothing` of a
 * run's bits. Of a path it is the `content` that decides, not the name.
 */
const kinds = ['data', 'examples', 'weights', 'rate', 'content', 'nothing'] as const;
export type Decides = (typeof kinds)[number];

/**
 * What another value of a setting takes, of a run that has trained: it goes on with it (`resume`); it goes on where no step
 * that is done would have had another rate (`extend`); a run of its own, from a checkpoint with its moments and its place in
 * the examples (`fork`) or from its weights alone (`init`); or one from the beginning (`new`). It follows from what the setting
 * decides, unless its key in the schema says otherwise.
 */
const changes = ['resume', 'extend', 'fork', 'init', 'new'] as const;
export type Change = (typeof changes)[number];

const changeOf = {
  nothing: 'resume',
  rate: 'extend',
  weights: 'fork',
  examples: 'init',
  data: 'init',
  content: 'init',
} as const satisfies Record<Decides, Change>;

/** A key of the run config. */
export interface Setting {
  /** `train.numSteps` */
  readonly path: string;
  readonly decides: Decides;
  readonly change: Change;
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

/** What to do for another value of a setting, of a run that has trained and cannot have it. */
export function howToChange(runId: string, { path, change, after }: SettingChange): string {
  const value = JSON.stringify(after) ?? 'null';
  const setting = value.includes('{') ? `'${path}=${value}'` : `${path}=${value}`;
  switch (change) {
    case 'resume':
      return `pause it first (berth pause ${runId}), then the same command goes on with the new value`;
    case 'extend':
      return (
        'steps that are done would have had other learning rates, or not been done: restore the value, ask for more steps ' +
        `(berth extend ${runId} --steps N), or go on by it in a run of its own (berth fork ${runId} --from STEP --set ${setting})`
      );
    case 'fork':
      return `restore the value, or go on by it in a run of its own: berth fork ${runId} --from STEP --set ${setting}`;
    case 'init':
      return `restore the value, or choose another name, and begin with its weights (init: { from: ${runId} })`;
    case 'new':
      return 'what it has trained cannot be used: restore the value, or choose another name';
  }
}

/** Digest of the settings that decide the weights: on equal data, configs with the same hash give the same bits. */
export function trainingHash(config: RunConfig): string {
  const deciding = settings.filter(({ decides }) => decides !== 'nothing' && decides !== 'content');
  return digestOf(Object.fromEntries(deciding.map(({ path }) => [path, valueAt(config, path)])));
}

const decidingExamples = settings
  .filter(({ decides }) => decides === 'examples')
  .map(({ path, absentAs }) => {
    const key = path.replace('examples.', '') as keyof RunConfig['examples'];
    return { key, absentAs };
  });

/** The part of a section of the config that decides examples. */
export function exampleSettings(examples: RunConfig['examples']): Record<string, unknown> {
  return Object.fromEntries(
    decidingExamples
      .map(({ key, absentAs }) => ({ key, value: examples[key], absentAs }))
      .filter(({ value, absentAs }) => value !== absentAs)
      .map(({ key, value }) => firstNameOf(`examples.${key}`, value))
      .map(({ path, value }) => [path.replace('examples.', ''), value]),
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
  const { decides, change, absentAs } = z.globalRegistry.get(schema) ?? {};
  const known = kinds.find((kind) => kind === decides);
  if (known === undefined)
    throw new BerthError('INTERNAL', `The schema does not say what ${path.join('.')} decides`);
  const said = changes.find((one) => one === change);
  return [
    {
      path: path.join('.'),
      decides: known,
      change: said ?? changeOf[known],
      ...(absentAs !== undefined && { absentAs }),
    },
  ];
}

/** A config, also one as it was written, with other values at some paths; `null` unsets. What comes out is to be parsed. */
export function withSettings(
  config: object,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  let changed: Record<string, unknown> = { ...config };
  for (const [path, value] of Object.entries(values))
    changed = withSetting(changed, path.split('.'), value);
  return changed;
}

function withSetting(
  node: unknown,
  [key = '', ...below]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const section =
    typeof node === 'object' && node !== null ? (node as Record<string, unknown>) : {};
  const before = Object.hasOwn(section, key) ? section[key] : undefined;
  const now = below.length === 0 ? (value ?? undefined) : withSetting(before, below, value);
  return { ...section, [key]: now };
}

function valueAt(config: RunConfig, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], config);
}
