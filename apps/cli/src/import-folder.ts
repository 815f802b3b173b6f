import { storeModel, type ModelToStore } from '@berth/checkpoint';
import type { ObjectStore, StoredModel } from '@berth/contracts';
import { serializeVocabulary } from '@berth/data';
import { readHuggingFaceFolder, type HuggingFaceFolder } from '@berth/hugging-face';

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
  return { folder, stored: await storeModel(store, modelOf(folder)) };
}

function modelOf(folder: HuggingFaceFolder): ModelToStore {
  const { where, model, doLowerCase, vocabulary, layout, missing } = folder;
  const present = new Map(
    layout.filter(({ name }) => !missing.has(name)).map((spec) => [spec.name, spec]),
  );
  return {
    where,
    model,
    doLowerCase,
    vocabulary: {
      bytes: serializeVocabulary(vocabulary),
      numTokens: vocabulary.tokens.length,
    },
    parameters: [...present.keys()],
    async read(name) {
      const spec = present.get(name)!;
      return { shape: spec.shape, values: await folder.read(spec) };
    },
  };
}
