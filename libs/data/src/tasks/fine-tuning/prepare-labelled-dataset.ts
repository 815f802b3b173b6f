import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  BerthError,
  isBerthError,
  canonicalJson,
  digestOf,
  sha256Hex,
  type LabelledDataset,
  type LabelledDatasetJob,
  type ObjectStore,
} from '@berth/contracts';
import { requireWithin, type CorpusRoots } from '../../corpus/corpus-roots.ts';
import { givenVocabulary } from '../../dataset/given-vocabulary.ts';
import { readLabelledDataset } from '../../dataset/read-dataset.ts';
import { putPart } from '../../dataset/stored-part.ts';
import { inputInvalid, toInputError } from '../../rows/input-errors.ts';
import { openRows } from '../../rows/open-rows.ts';
import type { RowSource } from '../../rows/row.ts';
import { createTokenizer } from '../../text/tokenizer.ts';
import { parseVocabulary } from '../../text/vocabulary.ts';
import { surveySplits } from './check-labelled-files.ts';
import { heldOutRowOf, packHeldOutRows, type HeldOutRow } from './held-out-rows.ts';
import { examplesOfRows, type LabelledExample } from './labelled-rows.ts';
import { makeLabelledShards } from './make-labelled-shards.ts';

export interface PrepareLabelledOptions {
  /** Told what is being done, for people. */
  readonly tell?: (progress: string) => void;
  /** Where files may be. @defaultValue everywhere */
  readonly roots?: CorpusRoots;
}

/**
 * Does the job of a fine-tuning's data: reads the labelled rows, finds their labels, and stores the examples of both splits with
 * their manifest. The same files and settings give the same dataset at the same key, so it may be done twice, anywhere; shards that
 * were lost are there again. Of files that hold the bytes which a known dataset was made of no row is read.
 * @returns the key of the manifest
 * @throws BerthError `DATA_INPUT_*` for files and rows, `DATA_VOCABULARY_*`; `DATA_MISMATCH` when a run was trained on other rows
 */
export async function prepareLabelledDataset(
  job: LabelledDatasetJob,
  store: ObjectStore,
  { tell = () => undefined, roots = [] }: PrepareLabelledOptions = {},
): Promise<string> {
  const { task, maxSeqLength, numShards, known } = job;
  const { doLowerCase } = job.vocabulary;
  const vocabularyBytes = (await givenVocabulary(job, store, roots))?.bytes;
  if (vocabularyBytes === undefined)
    throw new BerthError('INTERNAL', 'There is neither a vocabulary nor a model to begin with');
  const vocabulary = parseVocabulary(vocabularyBytes, 'the vocabulary');
  const tokenizer = createTokenizer(vocabulary, { doLowerCase });
  const paths = await Promise.all(
    [task.train, ...(task.eval === undefined ? [] : [task.eval])].map((path, index) =>
      requireWithin(roots, path, index === 0 ? 'task.train' : 'task.eval'),
    ),
  );
  const digests = await Promise.all(paths.map(fileDigest));
  const before = known && (await readKnown(store, known));
  const isSame =
    before?.vocabulary.sha256 === sha256Hex(vocabularyBytes) &&
    before.maxSeqLength === maxSeqLength &&
    String(before.files.map(({ sha256 }) => sha256)) === String(digests);
  if (known !== undefined && isSame && (await areThere(store, before))) return known.manifestKey;
  const { train, heldOut, survey } = await surveySplits(task, (path) =>
    counted(openRows(path), tell),
  );
  const options = { tokenizer, doLowerCase, maxSeqLength };
  const rows: HeldOutRow[] = [];
  const made = await makeLabelledShards(store, {
    fineTuning: survey.fineTuning,
    maxSeqLength,
    numShards,
    train: examplesOfRows(train, survey, task, options),
    heldOut: kept(examplesOfRows(heldOut, survey, task, options), rows),
    exampleSetId: known?.isTrainedOn === true ? before?.exampleSetId : undefined,
  }).catch((error: unknown) => {
    if (!isBerthError(error) || error.code !== 'DATA_MISMATCH') throw error;
    throw otherRows(job, changedFiles(paths, digests, before));
  });
  const again = await Promise.all(paths.map(fileDigest));
  if (String(again) !== String(digests))
    throw inputInvalid(task.train, 'changed while it was read: start again when it is whole');
  const rowBytes = await packHeldOutRows(rows);
  if (known !== undefined && before?.exampleSetId === made.exampleSetId) {
    await restoreRows(store, before, rowBytes);
    return known.manifestKey;
  }

  const facts = {
    format: 'berth-labelled-dataset/1' as const,
    fineTuning: survey.fineTuning,
    doLowerCase,
    maxSeqLength,
    exampleSetId: made.exampleSetId,
    ...(survey.labelCounts && { labelCounts: [...survey.labelCounts] }),
    files: digests.map((sha256) => ({ sha256 })),
  };
  const datasetId = digestOf({
    ...facts,
    vocabulary: sha256Hex(vocabularyBytes),
    heldOutRows: sha256Hex(rowBytes),
  });
  const folder = `datasets/${datasetId}`;
  const manifest: LabelledDataset = {
    ...facts,
    datasetId,
    vocabulary: {
      ...(await putPart(store, `${folder}/vocab.txt`, vocabularyBytes)),
      numTokens: vocabulary.tokens.length,
    },
    train: [...made.train],
    heldOut: made.heldOut,
    heldOutRows: await putPart(store, `${folder}/held-out-rows.jsonl.gz`, rowBytes),
  };
  const key = `${folder}/manifest.json`;
  await putPart(store, key, new TextEncoder().encode(canonicalJson(manifest)));
  return key;
}

/** Those that do not hold what a dataset was made of. */
function changedFiles(
  paths: readonly string[],
  digests: readonly string[],
  before: LabelledDataset | undefined,
): readonly string[] {
  return paths.filter((_, index) => before?.files[index]?.sha256 !== digests[index]);
}

function otherRows({ runId }: LabelledDatasetJob, files: readonly string[]): BerthError {
  const what = files.length === 0 ? 'its settings give' : `${files.join(' and ')} now give`;
  return new BerthError(
    'DATA_MISMATCH',
    `Run "${runId}" was fine-tuned on other examples than ${what}: put the rows back as they were, go on with the examples ` +
      `that it has by \`berth resume ${runId}\`, or choose another name`,
  );
}

/** That of before, unless it is gone and nothing depends on it. */
async function readKnown(
  store: ObjectStore,
  { manifestKey, isTrainedOn }: NonNullable<LabelledDatasetJob['known']>,
): Promise<LabelledDataset | undefined> {
  if (!isTrainedOn && (await store.head(manifestKey)) === undefined) return undefined;
  return readLabelledDataset(store, manifestKey);
}

/** Whether none of its shards is lost. */
async function areThere(
  store: ObjectStore,
  { train, heldOut, heldOutRows }: LabelledDataset,
): Promise<boolean> {
  for (const { key } of [...train, heldOut, heldOutRows])
    if ((await store.head(key)) === undefined) return false;
  return true;
}

/**
 * Puts back what is told of the held-out rows, where it was lost.
 * @throws BerthError `DATA_MISMATCH` when it was something else, as the file was elsewhere
 */
async function restoreRows(
  store: ObjectStore,
  { heldOutRows: { key, sha256 } }: LabelledDataset,
  bytes: Uint8Array,
): Promise<void> {
  if ((await store.head(key)) !== undefined) return;
  if (sha256Hex(bytes) !== sha256)
    throw new BerthError(
      'DATA_MISMATCH',
      `${key} is lost, and the files where they lie now give another: put them back where they were`,
      { details: { key } },
    );
  await putPart(store, key, bytes);
}

/** The same examples; what is told of each is kept. */
async function* kept(
  examples: AsyncIterable<LabelledExample>,
  rows: HeldOutRow[],
): AsyncGenerator<LabelledExample> {
  for await (const example of examples) {
    rows.push(heldOutRowOf(example));
    yield example;
  }
}

const rowsPerProgress = 1_000;

/** Tells how many rows were read. */
function counted({ path, rows }: RowSource, tell: (progress: string) => void): RowSource {
  return {
    path,
    async *rows() {
      let numRows = 0;
      for await (const row of rows()) {
        if (++numRows % rowsPerProgress === 0) tell(`reading ${path}: ${numRows} rows`);
        yield row;
      }
    },
  };
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw toInputError(path, error);
  }
  return hash.digest('hex');
}
