import {
  BerthError,
  heldOutShardsOf,
  readJson,
  sha256Hex,
  tokenCountsSchema,
  type DatasetHealth,
  type DatasetManifest,
  type GivenDataset,
  type JobProgress,
  type StoredPart,
} from '@berth/contracts';
import { createCoverageMeter, coverageOf } from '../dataset/coverage.ts';
import { idBytesOf, type DocumentCounts } from '../dataset/document-shard.ts';
import { isCased } from '../dataset/health-of-tokens.ts';
import { parseVocabulary, type Vocabulary } from '../text/vocabulary.ts';
import { checkNames } from './check-names.ts';
import { checkDocumentShard } from './check-shard.ts';
import type { DatasetPlace } from './dataset-place.ts';
import { createHashTable, maxDocuments } from './hash-table.ts';

export interface CheckOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: JobProgress) => void) | undefined;
  /** Told of each file once all that it says is checked. */
  readonly onFile?: (part: StoredPart, bytes: Uint8Array) => Promise<void>;
}

/** What was counted in a dataset that is sound. */
export interface CheckedDataset {
  readonly vocabulary: Vocabulary;
  /** Of each entry, in the training documents. */
  readonly tokenCounts: Float64Array;
  readonly health: DatasetHealth;
}

type Given = Pick<
  GivenDataset,
  'vocabulary' | 'tokenCounts' | 'train' | 'heldOutShards' | 'health'
>;

/** The parts of a dataset of the bucket, as names of files in its folder. */
export function givenOf(manifest: DatasetManifest): Given {
  const named = <Part extends StoredPart>(part: Part): Part => ({
    ...part,
    key: part.key.slice(part.key.lastIndexOf('/') + 1),
  });
  const shard = (part: DatasetManifest['train'][number]): typeof part => ({
    ...named(part),
    ...(part.names && { names: named(part.names) }),
  });
  const { vocabulary, tokenCounts, health, train } = manifest;
  return {
    vocabulary: named(vocabulary),
    tokenCounts: tokenCounts && named(tokenCounts),
    health,
    train: train.map(shard),
    heldOutShards: heldOutShardsOf(manifest).map(shard),
  };
}

/**
 * Checks a whole dataset: digests, the vocabulary, every record of every document shard, that no document is there twice, and names.
 * One file is in memory at a time.
 * @throws BerthError `DATA_CORPUS_INVALID` naming file and byte, `DATA_VOCABULARY_INVALID`; what reading throws
 */
export async function checkDataset(
  place: DatasetPlace,
  given: Given,
  { signal, onProgress = () => undefined, onFile = () => Promise.resolve() }: CheckOptions,
): Promise<CheckedDataset> {
  const { train, heldOutShards: heldOut = [] } = given;
  const numStated = [...train, ...heldOut].reduce((sum, shard) => sum + shard.numDocuments, 0);
  if (numStated > maxDocuments)
    throw new BerthError(
      'DATA_CORPUS_INVALID',
      `${place.where}manifest.json: ${numStated} documents are more than the ${maxDocuments} of a dataset that is taken in`,
    );
  const read = (part: StoredPart): Promise<Uint8Array> => readPart(place, part);
  const vocabularyBytes = await read(given.vocabulary);
  const name = `${place.where}${given.vocabulary.key}`;
  const vocabulary = parseVocabulary(vocabularyBytes, name);
  const numEntries = vocabulary.tokens.length;
  if (numEntries !== given.vocabulary.numTokens)
    throw new BerthError(
      'DATA_CORPUS_INVALID',
      `${name} has ${numEntries} entries, and manifest.json says ${given.vocabulary.numTokens}`,
    );
  await onFile(given.vocabulary, vocabularyBytes);

  const { padId, clsId, sepId, maskId } = vocabulary;
  const reserved = new Map([
    [padId, '[PAD]'],
    [clsId, '[CLS]'],
    [sepId, '[SEP]'],
    [maskId, '[MASK]'],
  ]);
  const partNames = [...new Set(train.map(({ part }) => part))];
  const placeOf = (part: string | undefined): number => partNames.indexOf(part);
  const known = createHashTable(numStated);
  const coverage = createCoverageMeter();
  const counts = { train: new Float64Array(numEntries), heldOut: new Float64Array(numEntries) };
  const totals = { numBytes: 0, numFiles: 0, numDocuments: 0, numSentences: 0, numOneSentence: 0 };
  const tokensOf = { train: 0, heldOut: 0 };
  const all = [
    ...heldOut.map((part) => ({ split: 'heldOut' as const, part })),
    ...train.map((part) => ({ split: 'train' as const, part })),
  ];
  for (const [index, { split, part }] of all.entries()) {
    signal?.throwIfAborted();
    const { numBytes, numDocuments } = totals;
    const activity = `checking shard ${index + 1} of ${all.length} of the dataset`;
    onProgress({ numBytes, numDocuments, activity });
    const bytes = await read(part);
    const found = await checkDocumentShard(bytes, {
      name: `${place.where}${part.key}`,
      idBytes: idBytesOf(numEntries),
      numEntries,
      reserved,
      signal,
      onDocument(hash, lengths, ids) {
        const of = placeOf(part.part);
        // Held out ones may be of no part where training ones are of several.
        const isOther = split === 'heldOut' || of === -1 || !known.has(hash, -1);
        if (!isOther || !known.add(hash, of)) return 'has the hash of another';
        if (lengths.length === 1) totals.numOneSentence += 1;
        if (split === 'train') coverage.add(lengths);
        const own = counts[split];
        for (let token = 0; token < ids.length; token++) own[ids[token]!]! += 1;
        return undefined;
      },
    });
    requireCounts(place, part, found);
    await onFile(part, bytes);
    if (part.names !== undefined) {
      const names = await read(part.names);
      await checkNames(names, `${place.where}${part.names.key}`, part.numDocuments);
      await onFile(part.names, names);
    }
    totals.numBytes += part.sizeBytes;
    totals.numFiles += 1;
    totals.numDocuments += found.numDocuments;
    totals.numSentences += found.numSentences;
    tokensOf[split] += found.numTokens;
  }
  if (given.tokenCounts !== undefined)
    requireSameTokens(place, given.tokenCounts, await read(given.tokenCounts), counts.train);
  const { numBytes, numDocuments } = totals;
  onProgress({ numBytes, numDocuments });
  return {
    vocabulary,
    tokenCounts: counts.train,
    health: {
      ...(given.health ?? textUnknown),
      numFiles: totals.numFiles,
      numBytes,
      numDocuments,
      numOneSentenceDocuments: totals.numOneSentence,
      numSentences: totals.numSentences,
      numTrainTokens: tokensOf.train,
      numHeldOutTokens: tokensOf.heldOut,
      numUnknownTokens: counts.train[vocabulary.unkId]! + counts.heldOut[vocabulary.unkId]!,
      numCasedEntries: vocabulary.tokens.filter(isCased).length,
      coverage: coverageOf([coverage.numCovered], tokensOf.train),
    },
  };
}

/** What only whoever read the text can count. */
const textUnknown = {
  leftOut: { numEntries: 0, first: [] },
  encodings: {},
  numEmptyDocuments: 0,
  numCharacters: 0,
  numUnknownCharacters: 0,
  numDroppedCharacters: 0,
  numLongWords: 0,
};

async function readPart(place: DatasetPlace, part: StoredPart): Promise<Uint8Array> {
  const bytes = await (await place.find(part.key))?.read();
  const sha256 = bytes && sha256Hex(bytes);
  if (bytes !== undefined && bytes.length === part.sizeBytes && sha256 === part.sha256)
    // Numbers of several bytes are read where they lie.
    return bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  throw new BerthError(
    'DATA_CORPUS_INVALID',
    `${place.where}${part.key} has ${bytes?.length ?? 'no'} bytes with sha256 ${sha256}, and manifest.json says ` +
      `${part.sizeBytes} with ${part.sha256}: copy the dataset again`,
  );
}

function requireCounts(
  { where }: DatasetPlace,
  part: Given['train'][number],
  found: DocumentCounts,
): void {
  for (const key of ['numDocuments', 'numSentences', 'numTokens'] as const)
    if (part[key] !== found[key])
      throw new BerthError(
        'DATA_CORPUS_INVALID',
        `${where}${part.key} has ${key} ${found[key]}, and manifest.json says ${part[key]}`,
      );
}

function requireSameTokens(
  { where }: DatasetPlace,
  part: StoredPart,
  bytes: Uint8Array,
  counted: Float64Array,
): void {
  const name = `${where}${part.key}`;
  const reading = readJson(tokenCountsSchema, new TextDecoder().decode(bytes));
  if (!reading.ok) throw new BerthError('DATA_CORPUS_INVALID', `${name}: ${reading.problem}`);
  const wrong = counted.findIndex((count, id) => reading.value[id] !== count);
  if (wrong === -1 && reading.value.length === counted.length) return;
  throw new BerthError(
    'DATA_CORPUS_INVALID',
    wrong === -1
      ? `${name} has ${reading.value.length} counts for ${counted.length} entries`
      : `${name} says ${reading.value[wrong]} of id ${wrong}, and the training documents have ${counted[wrong]}: leave it out`,
  );
}
