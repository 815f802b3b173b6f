import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BerthError,
  canonicalJson,
  describeSpace,
  digestOf,
  isOutOfSpace,
  judgeHealth,
  sha256Hex,
  type CorpusConfig,
  type DatasetHealth,
  type DatasetManifest,
  type DocumentShard,
  type ObjectStore,
  type TextRules,
} from '@berth/contracts';
import { parseVocabulary, type Vocabulary } from '../text/vocabulary.ts';
import type { DocumentSpill } from './document-spill.ts';
import { spillDocuments, type DatasetDocument, type SplitHealth } from './spill-documents.ts';
import { readDatasetManifest } from './read-dataset.ts';
import { putPart } from './stored-part.ts';
import { serializeTokenCounts } from './text-statistics.ts';

/** Ids are stored in 16 bits. */
const maxVocabularySize = 65_536;

/** Everything that shapes a dataset besides the code that makes it. */
export interface DatasetInputs {
  /** The corpus files by name, size and digest, whose SHA-256 is the corpus digest. */
  readonly corpusFiles: Uint8Array;
  readonly encoding: CorpusConfig['encoding'];
  readonly sentenceMode: CorpusConfig['sentenceMode'];
  /** Of documents. */
  readonly heldOutRatio: number;
  /** A vocab.txt. */
  readonly vocabulary: Uint8Array;
  readonly doLowerCase: boolean;
  /** Of the engine that reads the text. */
  readonly textRules: TextRules;
  /** Training shards, of each part; fewer are made when there are fewer training documents. */
  readonly numShards: number;
  /** Names of the parts of the corpus; undefined where it has none. */
  readonly parts?: readonly string[] | undefined;
  readonly seed: number;
}

/** What only the reader of a corpus knows of its health. */
export type CorpusHealth = Omit<DatasetHealth, keyof SplitHealth | 'numCasedEntries'>;

export interface WriteDatasetOptions extends DatasetInputs {
  /** Sentences of token ids, in corpus order. Not read when the dataset exists. */
  readonly documents: AsyncIterable<DatasetDocument>;
  /** SHA-256 of the vocab.txt that the vocabulary was extended from, if it was. */
  readonly extendedFrom?: string | undefined;
  /** Whether examples of it are to be pairs of sentences. @defaultValue true */
  readonly pairsSentences?: boolean;
  /** Asked for after the last document. */
  readonly corpusHealth: () => CorpusHealth;
  readonly store: ObjectStore;
  /** Where datasets live in the store, without a slash at the end. */
  readonly prefix: string;
  /** Folder for temporary files, as large as the tokenised corpus. */
  readonly workFolder: string;
}

/** Grows when a release reads the same bytes, by the same settings, as other documents. */
const readerVersion = 3;

/**
 * The dataset that these inputs make: other bytes or settings, or another version of the tables that say where sentences
 * and words end, make another.
 */
export function datasetIdOf({ corpusFiles, vocabulary, ...inputs }: DatasetInputs): string {
  const { encoding, sentenceMode, heldOutRatio } = inputs;
  const { doLowerCase, textRules, numShards, parts, seed } = inputs;
  return digestOf({
    format: formatOf(inputs),
    readerVersion,
    corpusDigest: sha256Hex(corpusFiles),
    encoding,
    sentenceMode,
    heldOutRatio,
    vocabulary: sha256Hex(vocabulary),
    doLowerCase,
    textRules,
    numShards,
    parts,
    seed,
  });
}

function formatOf({ parts }: Pick<DatasetInputs, 'parts'>): DatasetManifest['format'] {
  return parts === undefined ? 'berth-dataset/1' : 'berth-dataset/2';
}

/** Where all parts of a dataset are stored, by the key of its manifest; `undefined` for any other key. */
export function datasetPrefixOf(manifestKey: string): string | undefined {
  return /^(datasets\/[0-9a-f]{64}\/)manifest\.json$/.exec(manifestKey)?.[1];
}

/**
 * Writes a tokenised corpus as document shards, then its manifest. The same inputs give the same dataset, and a dataset
 * that exists is returned as it is.
 * Documents are held out by hash of their index, except that the first with text always trains and, unless none are to
 * be held out, the second is held out: then both splits exist whatever the corpus.
 * @throws BerthError `DISK_FULL` when the work folder is, `DATA_CORPUS_EMPTY` for too few documents with text, `DATA_UNSUITABLE` when training on them makes
 * no sense, `DATA_VOCABULARY_INVALID` or `DATA_VOCABULARY_TOO_LARGE` for the vocabulary, `DATA_SHARD_CORRUPT` when the
 * store holds other bytes
 */
export async function writeDataset(
  options: WriteDatasetOptions,
): Promise<{ manifest: DatasetManifest; manifestKey: string }> {
  const { store, corpusFiles, doLowerCase, heldOutRatio, textRules, extendedFrom } = options;
  const { tokens } = checkedVocabulary(options.vocabulary);
  const datasetId = datasetIdOf(options);
  const folder = `${options.prefix}/${datasetId}`;
  const manifestKey = `${folder}/manifest.json`;
  if ((await store.head(manifestKey)) !== undefined) {
    return { manifest: await readDatasetManifest(store, manifestKey), manifestKey };
  }

  return inSpillFolder(options.workFolder, async (spillFolder) => {
    const tokenCounts = new Float64Array(tokens.length);
    const { train, heldOut, splitHealth } = await spillDocuments(options, spillFolder, tokenCounts);
    const numCasedEntries = tokens.filter(isCased).length;
    const health = { ...options.corpusHealth(), ...splitHealth, numCasedEntries };
    refuseUnsuitable(health, options);
    const vocabulary = await putPart(store, `${folder}/vocab.txt`, options.vocabulary);
    const trainShards: DocumentShard[] = [];
    for (const { spill, part } of train) {
      const name = `train-${String(trainShards.length).padStart(5, '0')}`;
      const shard = await putShard(store, `${folder}/${name}`, spill);
      trainShards.push({ ...shard, ...(part !== undefined && { part }) });
    }
    const manifest: DatasetManifest = {
      format: formatOf(options),
      datasetId,
      corpusDigest: sha256Hex(corpusFiles),
      corpusFiles: await putPart(store, `${folder}/corpus.jsonl`, corpusFiles),
      vocabulary: {
        ...vocabulary,
        numTokens: tokens.length,
        ...(extendedFrom !== undefined && { extendedFrom }),
      },
      tokenCounts: await putPart(
        store,
        `${folder}/token-counts.json`,
        serializeTokenCounts(tokenCounts),
      ),
      doLowerCase,
      heldOutRatio,
      textRules,
      health,
      train: trainShards,
      heldOut: await putShard(store, `${folder}/held-out`, heldOut),
    };
    await putPart(store, manifestKey, new TextEncoder().encode(canonicalJson(manifest)));
    return { manifest, manifestKey };
  });
}

/** @throws BerthError `DISK_FULL` naming the work folder, and what the work throws */
async function inSpillFolder<T>(
  workFolder: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(workFolder, 'documents-'));
    return await work(folder);
  } catch (error) {
    if (!isOutOfSpace(error)) throw error;
    throw new BerthError(
      'DISK_FULL',
      `No space left in ${await describeSpace(workFolder)}, where documents are sorted. ` +
        'Free some, or name a folder with more: BERTH_FOLDER or, without one, TMPDIR.',
      { cause: error },
    );
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

function refuseUnsuitable(
  health: DatasetHealth,
  { doLowerCase, heldOutRatio, pairsSentences = true }: WriteDatasetOptions,
): void {
  const refusals = judgeHealth(health, { doLowerCase, heldOutRatio, pairsSentences }).filter(
    ({ severity }) => severity === 'refusal',
  );
  if (refusals.length === 0) return;
  throw new BerthError('DATA_UNSUITABLE', refusals.map(({ text }) => text).join('; '));
}

async function putShard(
  store: ObjectStore,
  name: string,
  spill: DocumentSpill,
): Promise<DocumentShard> {
  const bytes = await spill.finish();
  const key = `${name}-${sha256Hex(bytes).slice(0, 16)}.bdoc`;
  return { ...(await putPart(store, key, bytes)), ...spill.counts };
}

/** True for an entry that lower-casing would change; [MASK] and its like are no words. */
function isCased(token: string): boolean {
  return !/^\[\w+\]$/.test(token) && token !== token.toLowerCase();
}

function checkedVocabulary(bytes: Uint8Array): Vocabulary {
  const vocabulary = parseVocabulary(bytes, 'vocab.txt');
  const { length } = vocabulary.tokens;
  if (length > maxVocabularySize) {
    throw new BerthError(
      'DATA_VOCABULARY_TOO_LARGE',
      `vocab.txt has ${length} tokens; at most ${maxVocabularySize} fit the 16 bits of an id`,
    );
  }
  return vocabulary;
}
