import type { ObjectStore } from '@berth/contracts';
import type { Attempts } from './attempts.ts';
import { isComplete } from './branch.ts';
import { manifestKey, type Line } from './keys.ts';
import { listCheckpoints } from './manifest.ts';

/**
 * Writes the manifest of a checkpoint that a run goes back to into the line that goes on from it. Whatever is still on its
 * way to the manifests of older lines cannot hide the step any more; its parts stay as long as a manifest names them.
 * @param attempts - as the run's record has them, with that of the new line
 * @returns false when no checkpoint of that step is whole
 * @throws what the store throws
 */
export async function pinCheckpoint(
  store: ObjectStore,
  line: Line,
  step: number,
  attempts: Attempts,
): Promise<boolean> {
  const listed = await listCheckpoints(store, line.runId, attempts);
  for (const found of listed.filter((one) => one.step === step).reverse()) {
    if (!(await isComplete(store, found.manifestKey))) continue;
    const bytes = await store.get(found.manifestKey);
    await store.put(manifestKey(line, step), bytes, { contentType: 'application/json' });
    return true;
  }
  return false;
}
