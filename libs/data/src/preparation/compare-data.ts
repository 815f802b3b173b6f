import {
  BerthError,
  corpusPartsOf,
  corpusText,
  type CompareJob,
  type CompareJobResult,
  type DatasetJob,
  type ObjectStore,
} from '@berth/contracts';
import { digestFiles } from '../corpus/corpus-digest.ts';
import { openCorpus } from '../corpus/open-corpus.ts';
import { dataDifference } from '../dataset/data-difference.ts';
import { readDatasetManifest } from '../dataset/read-dataset.ts';
import { getPart } from '../dataset/stored-part.ts';
import { getPieces } from './dataset-identity.ts';
import type { StageOptions } from './stage-options.ts';
import { getPlan } from './survey-chunk.ts';

/**
 * Does a job that compares a corpus with the dataset that is known of it.
 * @returns the key of its manifest when it is the same data; nothing when it is not, or the dataset has gone
 * @throws BerthError `DATA_MISMATCH` naming what has changed when the known dataset was trained on, and what the store throws
 */
export async function compareData(
  { planId, given }: CompareJob,
  request: DatasetJob,
  store: ObjectStore,
  { roots, signal }: StageOptions = {},
): Promise<CompareJobResult> {
  const { known, corpus, runId } = request;
  if (known === undefined) return {};
  const { manifestKey, isTrainedOn } = known;
  // A dataset that has gone is made again, unless a run's weights depend on it.
  if (!isTrainedOn && (await store.head(manifestKey)) === undefined) return {};
  const manifest = await readDatasetManifest(store, manifestKey);
  const isByPieces = manifest.format === 'berth-dataset/3';
  const difference = await dataDifference(store, manifest, {
    pieces: isByPieces ? await getPieces(store, await getPlan(store, planId)) : undefined,
    // Older releases noted whole files.
    files: isByPieces
      ? []
      : await digestFiles((await openCorpus(corpus, { roots: roots ?? [] })).files, { signal }),
    parts: corpus.parts && corpusPartsOf(corpus).flatMap(({ name }) => name ?? []),
    vocabulary: given && {
      path: request.vocabulary.path ?? 'of the model to begin with',
      bytes: await getPart(store, given),
    },
  });
  if (difference === undefined) return { manifestKey };
  if (!isTrainedOn) return {};
  throw new BerthError(
    'DATA_MISMATCH',
    `Run "${runId}" was trained on other data than ${corpusText(corpus)} now holds: ${difference}. Put the data back, ` +
      `go on with the data as it was by \`berth resume ${runId}\`, or choose another name`,
  );
}
