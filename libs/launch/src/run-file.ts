import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import {
  BerthError,
  parseRunConfig,
  readInit,
  currentValue,
  renamedFrom,
  withCurrentNames,
  withStoredModel,
  type InitialModel,
  type InitSection,
  type RenamedSetting,
  type RunConfig,
  type SourceOf,
} from '@berth/contracts';
import type yaml from 'yaml';

export interface LoadedConfig {
  readonly config: RunConfig;
  /** `vocabulary.size` as the file states it, before defaults. */
  readonly statedVocabSize: number | undefined;
  /** Settings that the file or an override calls by an old name. */
  readonly renamed: readonly RenamedSetting[];
}

/** A run file as it was written, with overrides, before it is known what it leaves out. */
export interface RunFile {
  readonly file: string;
  /** With paths absolute. */
  readonly input: Record<string, unknown>;
  /** Where each setting came from, for messages. */
  readonly sourceOf: SourceOf;
  readonly renamed: readonly RenamedSetting[];
  /** The stored model that it begins with; a folder by its absolute path. */
  readonly init: InitSection | undefined;
}

/**
 * Reads a run file (YAML or JSON) and applies `--set` overrides.
 * @param overrides - `a.b=value` each; the value is read as YAML
 * @throws BerthError `CONFIG_NOT_FOUND` or `CONFIG_INVALID`; `USAGE` for an override that is not one
 */
export function readRunFile(file: string, overrides: readonly string[] = []): RunFile {
  const parsed = overrides.map(parseOverride);
  const written = withCurrentNames(readConfig(file));
  const input = parsed.reduce(
    (before, { keys, value }) => withSetting(before, keys, value),
    written.config as Record<string, unknown>,
  );
  const renamed = new Set([...written.renamed, ...parsed.flatMap((override) => override.renamed)]);
  const init = readInit(input);
  const folder = dirname(resolve(file));
  const isFolder = init?.from.includes('/') === true && !init.from.startsWith('s3://');
  const from = isFolder ? resolve(folder, init.from) : init?.from;
  const placed = withAbsolutePaths(input, folder);
  return {
    file,
    input: isFolder ? withSetting(placed, ['init', 'from'], from) : placed,
    sourceOf: (path) => parsed.findLast(({ keys }) => isAlong(path, keys))?.option ?? file,
    renamed: [...renamed],
    init: init && { ...init, from: from! },
  };
}

/**
 * The config that a run file states.
 * @param model - that it begins with
 * @throws BerthError `CONFIG_INVALID` or `CONFIG_UNKNOWN_KEY`, naming the override where it is at fault
 */
export function configOf(runFile: RunFile, model?: InitialModel): LoadedConfig {
  const { file, input, sourceOf, renamed } = runFile;
  const config = parseRunConfig(
    model === undefined ? input : withStoredModel(input, model, sourceOf),
    sourceOf,
  );
  if (config.init !== undefined && config.init.sha256 === undefined)
    throw new BerthError(
      'CONFIG_INVALID',
      `${file}: init: a run that begins with a stored model is trained by \`berth train\`; leave it out here`,
    );
  const stated = (input['vocabulary'] as { size?: number } | undefined)?.size;
  return { config, statedVocabSize: stated, renamed };
}

/** Both at once, of a run that begins from its seed. */
export function loadConfig(file: string, overrides: readonly string[] = []): LoadedConfig {
  return configOf(readRunFile(file, overrides));
}

const paths = [
  ['corpus', 'path'],
  ['corpus', 'dataset'],
  ['task', 'train'],
  ['task', 'eval'],
  ['vocabulary', 'path'],
  ['export', 'to'],
];

/** Places elsewhere, ids, and what the schema has something to say about. */
const isNoPath = /^([a-z][a-z\d+.-]+:\/\/|~(\/|$)|[\da-f]{64}$)/i;

/** What is no text is left to the schema, which says so. */
function withAbsolutePaths(
  input: Record<string, unknown>,
  folder: string,
): Record<string, unknown> {
  const absolute = (path: unknown): unknown =>
    typeof path !== 'string' || path === '' || isNoPath.test(path) ? path : resolve(folder, path);
  const placed = paths.reduce((before, keys) => {
    const path = valueAt(before, keys);
    return path === undefined ? before : withSetting(before, keys, absolute(path));
  }, input);
  const parts = valueAt(placed, ['corpus', 'parts']);
  if (!Array.isArray(parts)) return placed;
  const placedParts = parts.map((part: unknown) =>
    isSection(part) ? { ...part, path: absolute(part['path']) } : part,
  );
  return withSetting(placed, ['corpus', 'parts'], placedParts);
}

function valueAt(node: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) => (isSection(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined),
    node,
  );
}

function readConfig(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BerthError(
      'CONFIG_NOT_FOUND',
      `${file}: cannot be read; give the path of a run file`,
      {
        cause: error,
      },
    );
  }
  const value = parseYaml(text, file);
  if (!isSection(value))
    throw new BerthError('CONFIG_INVALID', `${file}: must hold keys such as name and corpus`);
  return value;
}

/** @throws BerthError `CONFIG_INVALID` in one line, without what the text says */
function parseYaml(text: string, source: string): unknown {
  // Loaded here: most commands read no run file.
  const { parse } = createRequire(import.meta.url)('yaml') as typeof yaml;
  try {
    return parse(text, { logLevel: 'error' });
  } catch (error) {
    const [detail = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    const what = detail.replace(/:$/, '');
    throw new BerthError('CONFIG_INVALID', `${source}: not YAML: ${what}`, { cause: error });
  }
}

/** A setting of the command line. */
interface Override {
  readonly option: string;
  /** By today's names. */
  readonly keys: readonly string[];
  readonly renamed: readonly RenamedSetting[];
  readonly value: unknown;
}

/**
 * Settings of the command line by their paths, under today's names.
 * @param overrides - `a.b=value` each; the value is read as YAML
 * @throws BerthError `USAGE` for one that is not
 */
export function parseSettings(overrides: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    overrides.map(parseOverride).map(({ keys, value }) => [keys.join('.'), value]),
  );
}

/** Values show in messages up to here. */
const longestShownLength = 80;

function parseOverride(text: string): Override {
  const option = `--set ${text.length > longestShownLength ? `${text.slice(0, longestShownLength)}…` : text}`;
  const equals = text.indexOf('=');
  const keys = text.slice(0, Math.max(0, equals)).split('.');
  if (keys.some((key) => key.trim() === ''))
    throw new BerthError('USAGE', `${option}: write it as key=value, such as train.numSteps=200`);
  const old = renamedFrom(keys.join('.'));
  const value = parseYaml(text.slice(equals + 1), option);
  return {
    option,
    keys: old?.now.split('.') ?? keys,
    renamed: old === undefined ? [] : [old],
    value: old === undefined ? value : currentValue(old, value),
  };
}

/** A copy in which the setting is another. */
export function withSetting(
  node: unknown,
  [key, ...below]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const section = isSection(node) ? node : {};
  if (key === undefined) return section;
  const before = Object.hasOwn(section, key) ? section[key] : undefined;
  // A computed key is a key whatever it is called, where an assignment to __proto__ would not be one.
  return { ...section, [key]: below.length === 0 ? value : withSetting(before, below, value) };
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a setting is, holds, or lies in another. */
function isAlong(path: readonly PropertyKey[], keys: readonly string[]): boolean {
  return path.length > 0 && keys.every((key, index) => index >= path.length || key === path[index]);
}
