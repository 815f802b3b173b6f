import { canonicalJson } from '../sorted-json.ts';
import type { SourceOf } from '../config-error.ts';
import { BerthError } from '../errors.ts';
import { runNamePattern } from '../run-name.ts';
import { withSettings } from '../settings.ts';
import type { GridPoint } from './grid-point.ts';
import { gridListSchema, maxGridPoints } from './grid-section.ts';
import { requireVaried } from './varied-settings.ts';

/** A run of a grid, before it is checked. */
export interface ExpandedPoint extends GridPoint {
  /** As it was written, with the point's values, and named for it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where each of its settings came from, for messages. */
  readonly sourceOf: SourceOf;
}

/**
 * The runs that a config with a grid states, `<name>-1` and so on: every combination of its values, of which those of the last
 * setting change first. Undefined for a config without one.
 * @param config - as it was written, before defaults
 * @param source - where it came from, or where each setting did, for messages
 * @throws BerthError `CONFIG_INVALID`; `CONFIG_UNKNOWN_KEY` for a setting that there is not
 */
export function expandGrid(
  config: unknown,
  source: string | SourceOf,
): readonly ExpandedPoint[] | undefined {
  if (!isSection(config) || config['grid'] === undefined) return undefined;
  const { grid, name, ...others } = config;
  const sourceOf = typeof source === 'string' ? () => source : source;
  const fail = (key: string, why: string): never => {
    throw new BerthError('CONFIG_INVALID', `${sourceOf(['grid'])}: ${key}: ${why}`);
  };
  const varied = readGrid(grid, fail);
  for (const [path, values] of varied) {
    requireVaried(path, isSection(others['task']), sourceOf(['grid', path]));
    const twice = values.find((one, index) => values.some((o, at) => at < index && isSame(o, one)));
    if (twice !== undefined)
      fail(`grid: ${path}`, `${JSON.stringify(twice)} is there twice: leave one of them out`);
  }
  const numPoints = varied.reduce((product, [, values]) => product * values.length, 1);
  if (numPoints > maxGridPoints)
    fail(
      'grid',
      `${varied.map(([, values]) => values.length).join(' x ')} values make ${numPoints} runs; at most ${maxGridPoints} are ` +
        'one grid: leave values out',
    );
  if (others['export'] !== undefined)
    fail('export', 'all runs of a grid would be written there: leave it out, and export the best');
  if (typeof name !== 'string' || !runNamePattern.test(`${name}-${numPoints}`))
    return fail(
      'name',
      `must be lower-case letters, digits and hyphens, and with -${numPoints} behind it at most 63 of them`,
    );
  return combinations(varied).map((values, index) => ({
    name,
    point: index + 1,
    values,
    config: withSettings({ name: `${name}-${index + 1}`, ...others }, values),
    sourceOf: (path) => {
      const isVaried = path.length > 0 && varied.some(([key]) => isAlong(key, path));
      return isVaried ? `${sourceOf(['grid', path.join('.')])}: grid` : sourceOf(path);
    },
  }));
}

type Varied = readonly (readonly [path: string, values: readonly unknown[]])[];

function readGrid(grid: unknown, fail: (key: string, why: string) => never): Varied {
  const example = 'such as optimizer.learningRate: [2e-5, 5e-5]';
  if (!isSection(grid) || Object.keys(grid).length === 0)
    return fail('grid', `must have a list of values for each setting to vary, ${example}`);
  const lists = Object.entries(grid).map(
    ([path, values]) => [path, gridListSchema.safeParse(values)] as const,
  );
  const wrong = lists.find(([, read]) => !read.success);
  if (wrong === undefined) return lists.map(([path, { data = [] }]) => [path, data]);
  const [path] = wrong;
  const values = grid[path];
  if (isSection(values) && Object.keys(values).length > 0)
    return fail(
      `grid: ${path}`,
      `is a section: write paths with dots, as ${path}.${Object.keys(values)[0]}: [...]`,
    );
  if (Array.isArray(values) && values.length > maxGridPoints)
    return fail(`grid: ${path}`, `has ${values.length} values; at most ${maxGridPoints} can be`);
  return fail(
    `grid: ${path}`,
    Array.isArray(values)
      ? 'has no values: give it some, or leave it out'
      : `must be a list, ${example}`,
  );
}

/** Every combination, in which the values of the last change first. */
function combinations(varied: Varied): Record<string, unknown>[] {
  return varied.reduce<Record<string, unknown>[]>(
    (before, [path, values]) =>
      before.flatMap((one) => values.map((value) => ({ ...one, [path]: value }))),
    [{}],
  );
}

/** Whether a setting is, holds, or lies in another. */
function isAlong(key: string, path: readonly PropertyKey[]): boolean {
  const other = path.join('.');
  return key === other || key.startsWith(`${other}.`) || other.startsWith(`${key}.`);
}

function isSame(one: unknown, other: unknown): boolean {
  return canonicalJson([one]) === canonicalJson([other]);
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
