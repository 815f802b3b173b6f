import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BerthError,
  canonicalJson,
  digestOf,
  sha256Hex,
  type CorpusConfig,
  type DatasetManifest,
  type DocumentShard,
  type ObjectStore,
  type TextRules,
} from '@berth/contracts';
import { isHeldOut } from '../corpus/hold-out.ts';
import { parseVocabulary } from '../text/vocabulary.ts';
import { withoutEmpty } from './document-shard.ts';
import { DocumentSpill } from './document-spill.ts';
import { shardOfDocument } from './epoch-order.ts';
import { readDatasetManifest } from './read-dataset.ts';
import { putPart } from './stored-part.ts';
import type { TokenSentences } from './token-documents.ts';

/** Ids are stored in 16 bits. */
const maxVocabularySize = 65_536;

/** Everything that shapes a dataset besides the code that makes it. */
export interface DatasetInputs {
  /** Digest of the corpus bytes. */
  readonly corpusDigest: string;
  readonly sentenceMode: CorpusConfig['sentenceMode'];
  /** Of documents. */
  readonly heldOutRatio: number;
  /** A vocab.txt. */
  readonly vocabulary: Uint8Array;
  readonly doLowerCase: boolean;
  /** Of the engine that reads the text. */
  readonly textRules: TextRules;
  /** Training shards; fewer are made when there are fewer training documents. */
  readonly numShards: number;
  readonly seed: number;
}

export interface WriteDatasetOptions extends DatasetInputs {
  /** Sentences of token ids, in corpus order. Not read when the dataset exists. */
  readonly documents: AsyncIterable<{ readonly sentences: TokenSentences }>;
  readonly store: ObjectStore;
  /** Where datasets live in the store, without a slash at the end. */
  readonly prefix: string;
  /** Folder for temporary files, as large as the tokenised corpus. */
  readonly workFolder: string;
}

/** The dataset that these inputs make. */
export function datasetIdOf({ vocabulary, ...inputs }: DatasetInputs): string {
  const { corpusDigest, sentenceMode, heldOutRatio, doLowerCase, textRules, numShards, seed } =
    inputs;
  return digestOf({
    format: 'berth-dataset/1',
    corpusDigest,
    sentenceMode,
    heldOutRatio,
    vocabulary: sha256Hex(vocabulary),
    doLowerCase,
    textRules,
    numShards,
    seed,
  });
}

/**
 * Writes a tokenised corpus as document shards, then its manifest. The same inputs give the same dataset, and a dataset
 * that exists is returned as it is.
 * Documents are held out by hash of their index, except that the first with text always trains and the second is
 * always held out: both splits exist whatever the corpus.
 * @throws BerthError `DATA_CORPUS_EMPTY` for fewer than two documents with text, `DATA_VOCABULARY_INVALID` or
 * `DATA_VOCABULARY_TOO_LARGE` for the vocabulary, `DATA_SHARD_CORRUPT` when the store holds other bytes
 */
export async function writeDataset(
  options: WriteDatasetOptions,
): Promise<{ manifest: DatasetManifest; manifestKey: string }> {
  const { store, corpusDigest, doLowerCase, heldOutRatio, textRules } = options;
  const numTokens = checkedVocabularySize(options.vocabulary);
  const datasetId = datasetIdOf(options);
  const folder = `${options.prefix}/${datasetId}`;
  const manifestKey = `${folder}/manifest.json`;
  if ((await store.head(manifestKey)) !== undefined) {
    return { manifest: await readDatasetManifest(store, manifestKey), manifestKey };
  }

  const spillFolder = await mkdtemp(join(options.workFolder, 'documents-'));
  try {
    const { train, heldOut } = await spillDocuments(options, spillFolder);
    const vocabulary = await putPart(store, `${folder}/vocab.txt`, options.vocabulary);
    const trainShards: DocumentShard[] = [];
    for (const spill of train) {
      const name = `train-${String(trainShards.length).padStart(5, '0')}`;
      trainShards.push(await putShard(store, `${folder}/${name}`, spill));
    }
    const manifest: DatasetManifest = {
      format: 'berth-dataset/1',
      datasetId,
      corpusDigest,
      vocabulary: { ...vocabulary, numTokens },
      doLowerCase,
      heldOutRatio,
      textRules,
      train: trainShards,
      heldOut: await putShard(store, `${folder}/held-out`, heldOut),
    };
    await putPart(store, manifestKey, new TextEncoder().encode(canonicalJson(manifest)));
    return { manifest, manifestKey };
  } finally {
    await rm(spillFolder, { recursive: true, force: true });
  }
}

/** Sorts the documents into shards. No shard is empty. */
async function spillDocuments(
  { documents, seed, heldOutRatio, numShards }: WriteDatasetOptions,
  folder: string,
): Promise<{ train: DocumentSpill[]; heldOut: DocumentSpill }> {
  const train = Array.from(
    { length: numShards },
    (_, i) => new DocumentSpill(join(folder, `${i}`)),
  );
  const heldOut = new DocumentSpill(join(folder, 'held-out'));
  let numDocuments = 0;
  let numTrain = 0;
  for await (const document of documents) {
    const sentences = withoutEmpty(document.sentences);
    if (sentences.length === 0) continue;
    const index = numDocuments++;
    if (index === 1 || (index > 1 && isHeldOut(index, seed, heldOutRatio))) {
      await heldOut.append(sentences);
    } else {
      await train[shardOfDocument(seed, numTrain++, numShards)]!.append(sentences);
    }
  }
  if (numDocuments < 2) {
    throw new BerthError(
      'DATA_CORPUS_EMPTY',
      `the corpus has ${numDocuments} documents with text; training and evaluation need one each: ` +
        'add text, or put a blank line between documents',
    );
  }
  return { train: train.filter(({ counts }) => counts.numDocuments > 0), heldOut };
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

function checkedVocabularySize(vocabulary: Uint8Array): number {
  const { length } = parseVocabulary(vocabulary, 'vocab.txt').tokens;
  if (length > maxVocabularySize) {
    throw new BerthError(
      'DATA_VOCABULARY_TOO_LARGE',
      `vocab.txt has ${length} tokens; at most ${maxVocabularySize} fit the 16 bits of an id`,
    );
  }
  return length;
}
