import { BerthError, sha256Hex, type DatasetJob, type ObjectStore } from '@berth/contracts';
import { requireWithin, type CorpusRoots } from '../corpus/corpus-roots.ts';
import { readVocabularyFile } from '../tokenizer-files/read-vocabulary-file.ts';
import { getPart } from './stored-part.ts';

/** A vocab.txt that is not made of the corpus. */
export interface GivenVocabulary {
  /** For people. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * That of the run file or of the model which a run begins with; they must be the same.
 * @throws BerthError `DATA_VOCABULARY_INVALID`, `DATA_MISMATCH` when they differ, and what the store throws
 */
export async function givenVocabulary(
  {
    vocabulary: { path, doLowerCase },
    modelVocabulary,
  }: Pick<DatasetJob, 'vocabulary' | 'modelVocabulary'>,
  store: ObjectStore,
  roots: CorpusRoots,
): Promise<GivenVocabulary | undefined> {
  const ofModel = modelVocabulary && {
    path: 'the vocabulary of the model to begin with',
    bytes: await getPart(store, modelVocabulary),
  };
  if (path === undefined) return ofModel;
  const realPath = await requireWithin(roots, path, 'vocabulary.path');
  const bytes = await readVocabularyFile(realPath, doLowerCase);
  if (ofModel === undefined || sha256Hex(bytes) === sha256Hex(ofModel.bytes))
    return { path, bytes };
  throw new BerthError(
    'DATA_MISMATCH',
    `${path} is not the vocabulary of the model that the run begins with: leave vocabulary.path out`,
  );
}
