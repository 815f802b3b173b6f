import { storeModel } from '@berth/checkpoint';
import type { ObjectStore, StoredModel } from '@berth/contracts';
import { readHuggingFaceFolder, trainedModelOf, type HuggingFaceFolder } from '@berth/hugging-face';

/** A folder and what it is called in the bucket. */
export interface ImportedFolder {
  readonly folder: HuggingFaceFolder;
  readonly stored: StoredModel;
}

/**
 * Stores the model of a Hugging Face folder in the bucket, for runs to begin with, unless it is there already.
 * @throws BerthError `CHECKPOINT_*`, `CONFIG_INVALID` or `DATA_VOCABULARY_INVALID` for what is no such folder, and what the store throws
 */
export async function importFolder(store: ObjectStore, path: string): Promise<ImportedFolder> {
  const folder = await readHuggingFaceFolder(path);
  return { folder, stored: await storeModel(store, trainedModelOf(folder)) };
}
