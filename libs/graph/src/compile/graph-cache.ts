import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where compiled graphs are kept unless the caller says otherwise: in the user's cache. */
export function defaultGraphFolder(): string {
  return join(homedir(), '.cache', 'berth', 'graphs');
}

/**
 * Keeps a graph under the hash of its bytes; whoever reads the folder finds all of the file or none.
 * @param savedModel - bytes of saved_model.pb
 * @returns the folder to load
 */
export function storeGraph(folder: string, savedModel: Uint8Array): string {
  const hash = createHash('sha256').update(savedModel).digest('hex').slice(0, 32);
  const target = join(folder, hash);
  if (existsSync(target)) return target;
  const temporary = join(folder, `${hash}.${randomUUID()}`);
  mkdirSync(temporary, { recursive: true });
  writeFileSync(join(temporary, 'saved_model.pb'), savedModel);
  try {
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { recursive: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}
