import { tmpdir } from 'node:os';
import {
  BerthError,
  corpusPartsOf,
  corpusText,
  sha256Hex,
  type DatasetJob,
  type ObjectStore,
  type VocabularyExtension,
} from '@berth/contracts';
import { corpusDigest, digestFiles, serializeFileDigests } from '../corpus/corpus-digest.ts';
import type { CorpusRoots } from '../corpus/corpus-roots.ts';
import { createCorpusTally } from '../corpus/corpus-tally.ts';
import { openCorpus, type Corpus } from '../corpus/open-corpus.ts';
import { dataDifference } from './data-difference.ts';
import { givenVocabulary, type GivenVocabulary } from './given-vocabulary.ts';
import { readDatasetManifest } from './read-dataset.ts';
import type { DatasetDocument } from './spill-documents.ts';
import { writeDataset, type CorpusHealth } from './write-dataset.ts';
import { extendVocabulary, measurePieces } from '../text/extend-vocabulary.ts';
import { ownTextRules } from '../text/text-rules.ts';
import { createTokenizer, createTokenTally } from '../text/tokenizer.ts';
import { trainVocabulary } from '../text/train-vocabulary.ts';
import { parseVocabulary, serializeVocabulary } from '../text/vocabulary.ts';
import { createWordCounter } from '../text/word-counter.ts';
import { decodeWordCounts, type WordCounts } from '../text/word-counts.ts';

/** What is done for a dataset, and how far a pass over its corpus has come. */
export interface PrepareProgress {
  readonly activity:
    'hashing the files' | 'counting words' | 'making the vocabulary' | 'tokenising';
  /** Of the files on disk; null while none is read. */
  readonly numBytesRead: number | null;
  readonly numBytes: number;
}

export interface PrepareOptions {
  /** Told at the start of an activity and, in passes, after each document or megabyte. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Where text and vocabularies may be. @defaultValue everywhere */
  readonly roots?: CorpusRoots;
  /** For temporary files as large as the tokenised corpus; exists. @defaultValue the system's */
  readonly workFolder?: string;
}

/**
 * Does a dataset job: reads the corpus, loads or trains its vocabulary, and stores the tokenised documents.
 * The same corpus and settings give the same dataset at the same key, so it may be done twice, anywhere. A known dataset
 * that was made of the same data is the result, for the price of hashing the files.
 * @returns the key of the manifest
 * @throws BerthError `DATA_CORPUS_*`, also when a file changes meanwhile, `DATA_VOCABULARY_*` or `DATA_UNSUITABLE`;
 * `DATA_MISMATCH` naming what has changed when the known dataset was trained on
 */
export async function prepareDataset(
  job: DatasetJob,
  store: ObjectStore,
  { onProgress = () => undefined, roots = [], workFolder = tmpdir() }: PrepareOptions = {},
): Promise<string> {
  const { doLowerCase } = job.vocabulary;
  const { encoding, sentenceMode, heldOutRatio } = job.corpus;
  const corpus = await openCorpus(job.corpus, { roots });
  const files = await digestFiles(corpus.files, {
    onRead: (numBytes) => onProgress(progressOf(corpus, 'hashing the files', numBytes)),
  });
  const corpusFiles = serializeFileDigests(files);
  const digest = sha256Hex(corpusFiles);
  const given = await givenVocabulary(job, store, roots);
  const known = await usableDataset(job, store);
  if (known !== undefined) {
    const { manifestKey, isTrainedOn } = known;
    const manifest = await readDatasetManifest(store, manifestKey);
    const now = { files, parts: partNamesOf(job), vocabulary: given };
    const difference = await dataDifference(store, manifest, now);
    if (difference === undefined) return manifestKey;
    if (isTrainedOn) throw otherData(job, difference);
  }
  const { bytes, extension } = await vocabularyOf(job, given, () =>
    countWords(job, corpus, onProgress),
  );
  const vocabulary = parseVocabulary(bytes, given?.path ?? 'the trained vocabulary');
  const tokenizer = createTokenizer(vocabulary, { doLowerCase });
  const read = createCorpusTally();
  const tokens = createTokenTally();
  onProgress(progressOf(corpus, 'tokenising', 0));

  async function* tokenised(): AsyncGenerator<DatasetDocument> {
    for await (const document of corpus.documents(read)) {
      const sentences = document.sentences.map((text) => tokenizer.tokenize(text, tokens));
      if (sentences.every(({ length }) => length === 0)) read.numEmptyDocuments += 1;
      yield { sentences, part: document.part };
      onProgress(progressOf(corpus, 'tokenising', read.numBytes));
    }
    if ((await corpusDigest(corpus.files)) !== digest)
      throw changedMeanwhile(corpusText(job.corpus));
  }

  const { manifestKey } = await writeDataset({
    corpusFiles,
    encoding,
    sentenceMode,
    heldOutRatio,
    vocabulary: bytes,
    extendedFrom: extension && given && sha256Hex(given.bytes),
    doLowerCase,
    textRules: ownTextRules(),
    numShards: job.numShards,
    parts: partNamesOf(job),
    ...(job.pairsSentences !== undefined && { pairsSentences: job.pairsSentences }),
    seed: job.seed,
    documents: tokenised(),
    corpusHealth: (): CorpusHealth => ({
      numFiles: corpus.files.length,
      numBytes: corpus.numBytes,
      leftOut: corpus.leftOut,
      encodings: read.encodings,
      numEmptyDocuments: read.numEmptyDocuments,
      ...tokens,
      ...(extension && { extension }),
    }),
    store,
    prefix: 'datasets',
    workFolder,
  });
  return manifestKey;
}

/** Names of the parts of the corpus; undefined where it has none. */
function partNamesOf({ corpus }: DatasetJob): readonly string[] | undefined {
  return corpus.parts && corpusPartsOf(corpus).flatMap(({ name }) => name ?? []);
}

/** A dataset that has gone is made again, unless a run's weights depend on it. */
async function usableDataset(
  { known }: DatasetJob,
  store: ObjectStore,
): Promise<DatasetJob['known']> {
  if (known === undefined || known.isTrainedOn) return known;
  return (await store.head(known.manifestKey)) === undefined ? undefined : known;
}

/** The vocabulary of a dataset: given, given and extended, or trained. */
async function vocabularyOf(
  { vocabulary: { extend, minFrequency, size } }: DatasetJob,
  given: GivenVocabulary | undefined,
  countWords: () => Promise<WordCounts>,
): Promise<{ bytes: Uint8Array; extension?: VocabularyExtension }> {
  if (given === undefined)
    return {
      bytes: serializeVocabulary(await trainVocabulary(await countWords(), { size, minFrequency })),
    };
  if (extend === undefined) return given;
  const before = parseVocabulary(given.bytes, given.path);
  const counts = await countWords();
  const after = await extendVocabulary(before, counts, { numPieces: extend, minFrequency });
  return {
    bytes: serializeVocabulary(after),
    extension: {
      numPieces: extend,
      numWords: Array.from(counts).reduce((sum, [, count]) => sum + count, 0),
      before: await measurePieces(before, counts),
      after: await measurePieces(after, counts),
    },
  };
}

async function countWords(
  { vocabulary }: DatasetJob,
  corpus: Corpus,
  onProgress: (progress: PrepareProgress) => void,
): Promise<WordCounts> {
  const { doLowerCase } = vocabulary;
  onProgress(progressOf(corpus, 'counting words', 0));
  const counter = createWordCounter({ doLowerCase });
  const read = createCorpusTally();
  for await (const { sentences } of corpus.documents(read)) {
    await counter.add(sentences);
    onProgress(progressOf(corpus, 'counting words', read.numBytes));
  }
  onProgress(progressOf(corpus, 'making the vocabulary', null));
  return decodeWordCounts(await counter.encode());
}

function progressOf(
  corpus: Corpus,
  activity: PrepareProgress['activity'],
  numBytesRead: number | null,
): PrepareProgress {
  return { activity, numBytesRead, numBytes: corpus.numBytes };
}

function otherData({ runId, corpus }: DatasetJob, difference: string): BerthError {
  return new BerthError(
    'DATA_MISMATCH',
    `Run "${runId}" was trained on other data than ${corpusText(corpus)} now holds: ${difference}. Put the data back, ` +
      `go on with the data as it was by \`berth resume ${runId}\`, or choose another name`,
  );
}

function changedMeanwhile(path: string): BerthError {
  return new BerthError(
    'DATA_CORPUS_INVALID',
    `corpus ${path} changed while it was read: start again when nothing writes to it any more`,
    { details: { path } },
  );
}
