import { isBerthError, type ObjectStore } from '@berth/contracts';
import { manifestKeyOf, tokenisedKey } from '../preparation/keys.ts';
import type { StageOptions } from '../preparation/stage-options.ts';
import { tokeniseChunk } from './tokenise-chunk.ts';

/**
 * Does work that reads what tokenising has left. What of it is damaged or gone is made again where the text is to be seen.
 * @param work - throws with the `chunk` of which something is damaged or gone
 * @returns undefined where the dataset is sealed by now, and nothing of it is left
 * @throws what `work` does where that cannot be made again
 */
export async function withRunsMadeAgain<Result>(
  datasetId: string,
  store: ObjectStore,
  options: StageOptions,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  for (const remade = new Set<unknown>(); ;)
    try {
      return await work();
    } catch (error) {
      if ((await store.head(manifestKeyOf(datasetId))) !== undefined) return undefined;
      const chunk = isBerthError(error) ? error.details['chunk'] : undefined;
      if (typeof chunk !== 'number' || remade.has(chunk)) throw error;
      remade.add(chunk);
      await store.delete(tokenisedKey(datasetId, chunk));
      await tokeniseChunk({ datasetId, chunk }, store, options).catch(() => {
        throw error;
      });
    }
}
