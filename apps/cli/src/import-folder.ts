import { nameModel, storeModel } from '@berth/checkpoint';
import type { StoredModel } from '@berth/contracts';
import {
  readAnyFolder,
  readHuggingFaceFolder,
  trainedModelOf,
  type AnyFolder,
  type HuggingFaceFolder,
} from '@berth/hugging-face';
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
 * @param options.name - what to call the model there, if anything
 * @param options.keepsHead - whether the head of a fine-tuned model comes along, which a pre-training has no use for
 * @throws BerthError `CHECKPOINT_*`, `CONFIG_INVALID` or `DATA_VOCABULARY_INVALID` for what is no such folder, `CHECKPOINT_EXISTS`
 * when another model has the name, and what the store throws
 */
export async function importFolder(
  context: Context,
  path: string,
  { name, keepsHead }: { readonly name?: string; readonly keepsHead: boolean },
): Promise<ImportedFolder> {
  const { folder, headProblem }: AnyFolder = keepsHead
    ? await readAnyFolder(path)
    : { folder: await readHuggingFaceFolder(path) };
  if (headProblem !== undefined) context.say(`note: its head is left: ${headProblem}`);
  return withStore(context, { isNew: true }, async (store) => {
    const stored = await storeModel(store, trainedModelOf(folder));
    if (name !== undefined) await nameModel(store, name, stored.modelId);
    return { folder, stored };
  });
}
