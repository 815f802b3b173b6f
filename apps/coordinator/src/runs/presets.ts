import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorToWire, type Logger, type Preset } from '@berth/contracts';
import { loadConfig } from '@berth/launch/run-file';

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
      const { config } = loadConfig(join(folder, file));
      presets.push({ name: file.replace(/\.yaml$/, ''), config });
    } catch (error) {
      logger.warn('Ignored a run file', { file, error: errorToWire(error) });
    }
  return presets;
}
