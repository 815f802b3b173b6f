import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { BerthError, parseRunConfig, type RunConfig } from '@berth/contracts';
import { parse } from 'yaml';

export interface LoadedConfig {
  readonly config: RunConfig;
  /** `vocabulary.size` as the file states it, before defaults. */
  readonly statedVocabSize: number | undefined;
}

/**
 * Reads a run file (YAML or JSON), applies `--set` overrides, and makes its paths absolute.
 * @param overrides - `a.b=value` each; the value is read as YAML
 * @throws BerthError `CONFIG_NOT_FOUND`, `CONFIG_INVALID` or `CONFIG_UNKNOWN_KEY`
 */
export function loadConfig(file: string, overrides: readonly string[] = []): LoadedConfig {
  const input = readConfig(file);
  for (const override of overrides) applyOverride(input, override);
  const config = parseRunConfig(input, file);
  const folder = dirname(resolve(file));
  const { corpus, vocabulary } = config;
  const resolved = {
    ...config,
    corpus: { ...corpus, path: absolute(folder, corpus.path) },
    vocabulary: {
      ...vocabulary,
      ...(vocabulary.path !== undefined && { path: absolute(folder, vocabulary.path) }),
    },
  };
  const stated = (input['vocabulary'] as { size?: number } | undefined)?.size;
  return { config: resolved, statedVocabSize: stated };
}

function absolute(folder: string, path: string): string {
  return path.startsWith('s3://') ? path : resolve(folder, path);
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
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new BerthError('CONFIG_INVALID', `${file}: not YAML: ${detail}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BerthError('CONFIG_INVALID', `${file}: must hold keys such as name and corpus`);
  return value as Record<string, unknown>;
}

function applyOverride(input: Record<string, unknown>, override: string): void {
  const equals = override.indexOf('=');
  if (equals <= 0)
    throw new BerthError(
      'USAGE',
      `--set ${override}: write it as key=value, such as train.numSteps=200`,
    );
  const keys = override.slice(0, equals).split('.');
  const last = keys.pop() ?? '';
  let node = input;
  for (const key of keys) {
    const child = node[key];
    if (typeof child !== 'object' || child === null) node[key] = {};
    node = node[key] as Record<string, unknown>;
  }
  node[last] = parse(override.slice(equals + 1)) as unknown;
}
