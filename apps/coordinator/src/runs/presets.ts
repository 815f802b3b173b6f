import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorToWire, parseRunConfig, type Logger, type Preset } from '@berth/contracts';
import { parse } from 'yaml';

/** Where the shipped run files lie in a checkout. */
const shippedFolder = fileURLToPath(new URL('../../../../configs', import.meta.url));

/** Reads the shipped run files, once; those that cannot be used are left out. */
export function shippedPresets(logger: Logger, folder = shippedFolder): () => Promise<Preset[]> {
  let presets: Promise<Preset[]> | undefined;
  return () => (presets ??= readPresets(folder, logger));
}

async function readPresets(folder: string, logger: Logger): Promise<Preset[]> {
  const files = await readdir(folder).catch(() => []);
  const presets: Preset[] = [];
  for (const file of files.filter((name) => name.endsWith('.yaml')).sort())
    try {
      const config = parseRunConfig(parse(await readFile(join(folder, file), 'utf8')), file);
      const corpus = { ...config.corpus, path: absolute(folder, config.corpus.path) };
      presets.push({ name: file.replace(/\.yaml$/, ''), config: { ...config, corpus } });
    } catch (error) {
      logger.warn('Ignored a run file', { file, error: errorToWire(error) });
    }
  return presets;
}

function absolute(folder: string, path: string): string {
  return path.startsWith('s3://') ? path : resolve(folder, path);
}
