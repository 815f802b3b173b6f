import { nameModel, storeModel } from '@berth/checkpoint';
import type { StoredModel } from '@berth/contracts';
import { readHuggingFaceFolder, trainedModelOf, type HuggingFaceFolder } from '@berth/hugging-face';
import { withStore } from './cluster-access.ts';
import type { Context } from './context.ts';

/** A folder and what it is called in the bucket. */
export interface ImportedFolder {
  readonly folder: HuggingFaceFolder;
  readonly stored: StoredModel;
}

/**
 * Stores the model of a Hugging Face folder in the bucket, for runs to begin with, unless it is there already. What is no such
 * folder is refused before anything is made or started.
 * @param name - what to call the model there, if anything
 * @throws BerthError `CHECKPOINT_*`, `CONFIG_INVALID` or `DATA_VOCABULARY_INVALID` for what is no such folder, `CHECKPOINT_EXISTS`
 * when another model has the name, and what the store throws
 */
export async function importFolder(
  context: Context,
  path: string,
  name?: string,
): Promise<ImportedFolder> {
  const folder = await readHuggingFaceFolder(path);
  return withStore(context, { isNew: true }, async (store) => {
    const stored = await storeModel(store, trainedModelOf(folder));
    if (name !== undefined) await nameModel(store, name, stored.modelId);
    return { folder, stored };
  });
}
