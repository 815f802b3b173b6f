import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where compiled graphs are kept unless the caller says otherwise: in the user's cache. */
export function defaultGraphFolder(): string {
  return join(homedir(), '.cache', 'berth', 'graphs');
}

/**
 * Keeps a graph under the hash of its bytes.
 * @param savedModel - bytes of saved_model.pb
 * @returns the folder to load
 */
export function storeGraph(folder: string, savedModel: Uint8Array): string {
  const hash = createHash('sha256').update(savedModel).digest('hex').slice(0, 32);
  return storeFiles(folder, hash, () => [[savedModelFile, savedModel]]);
}

/** What TensorFlow looks for in a folder. */
export const savedModelFile = 'saved_model.pb';

/**
 * Keeps files in a folder of the cache unless it is there; whoever reads the folder finds all of them or none.
 * @returns the folder
 */
export function storeFiles(
  cache: string,
  name: string,
  files: () => Iterable<readonly [name: string, content: Uint8Array]>,
): string {
  const target = join(cache, name);
  if (existsSync(target)) return target;
  const temporary = join(cache, `${name}.${randomUUID()}`);
  mkdirSync(temporary, { recursive: true });
  try {
    for (const [file, content] of files()) writeFileSync(join(temporary, file), content);
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}
