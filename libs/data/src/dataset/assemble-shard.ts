import { createHash } from 'node:crypto';
import {
  type AssembleJob,
  type Assembled,
  type ObjectStore,
  type Recipe,
  type Split,
} from '@berth/contracts';
import { assembledKey, documentShardKey, runKey, shardCountsKey } from '../preparation/keys.ts';
import type { StageOptions } from '../preparation/stage-options.ts';
import { putJson } from '../preparation/stored-json.ts';
import { giveTurn, isTurnDue } from '../text/work.ts';
import { getLeftOut, heldOutGroupOf } from '../near-duplicates/leave-out.ts';
import { ascendingIn } from '../near-duplicates/left-out-file.ts';
import { createCoverageMeter } from './coverage.ts';
import { hashOfCopy, heldOutValue, shardOfHash } from './document-hash.ts';
import {
  encodeDocumentFooter,
  encodeDocumentHeader,
  idBytesOf,
  type DocumentCounts,
  type IdBytes,
} from './document-shard.ts';
import { lineOfDocument } from './document-names.ts';
import { mergeRuns, type RunBuckets } from './merge-runs.ts';
import {
  heldOutBucket,
  numBucketsOf,
  numHeldOutBuckets,
  trainBucket,
  type Buckets,
  type PlacedRecord,
  type RunRecord,
} from './run-file.ts';
import { splitDataset } from './split-dataset.ts';
import { bucketsOf, getRecipe, partNamesOf } from './tokenise-chunk.ts';
import { hashBytes } from './token-documents.ts';
import { withRunsMadeAgain } from './with-runs-made-again.ts';

type ShardPlace = Pick<AssembleJob, 'datasetId' | 'split' | 'shard'>;

/**
 * Does an assemble job: puts a document shard together of the run files of all chunks. What of these is damaged or gone is made again
 * where the text is to be seen.
 * @throws BerthError `DATA_SHARD_CORRUPT` for a run file that cannot be made again, and what the store throws
 */
export async function assembleShard(
  place: ShardPlace,
  store: ObjectStore,
  options: StageOptions = {},
): Promise<void> {
  const { datasetId, split, shard } = place;
  if ((await store.head(assembledKey(datasetId, split, shard))) !== undefined) return;
  const recipe = await getRecipe(store, datasetId);
  const settled = await splitDataset({ datasetId }, store);
  await withRunsMadeAgain(datasetId, store, options, () =>
    assemble(place, store, recipe, settled, options),
  );
}

async function assemble(
  { datasetId, split, shard }: ShardPlace,
  store: ObjectStore,
  recipe: Recipe,
  settled: Split,
  options: StageOptions,
): Promise<void> {
  const { signal, onProgress = () => undefined } = options;
  const { numTokens: numEntries } = recipe.vocabulary;
  const idBytes = idBytesOf(numEntries);
  const { duplicates = 'drop' } = recipe.plan.corpus;
  const counts: DocumentCounts = { numDocuments: 0, numSentences: 0, numTokens: 0 };
  const tokenCounts = new Uint32Array(numEntries);
  const coverage = createCoverageMeter();
  let numOneSentenceDocuments = 0;
  let numDuplicates = 0;
  let numNearDuplicates = 0;
  const group = split === 'train' ? partOfShard(settled, shard) : heldOutGroupOf(recipe);
  const isLeftOut = ascendingIn(await getLeftOut(store, recipe, group, options));
  const names = createLines();
  const hash = createHash('sha256');

  async function* records(): AsyncGenerator<Uint8Array> {
    yield encodeDocumentHeader(idBytes);
    let last: Uint8Array | undefined;
    let numEqual = 0;
    for await (const record of documentsOf(store, recipe, settled, split, shard)) {
      const isEqual = isSame(record.hash, last);
      numEqual = isEqual ? numEqual + 1 : 0;
      last = Uint8Array.from(record.hash);
      if (isEqual) numDuplicates += 1;
      if (isTurnDue()) await giveTurn(signal);
      if (isEqual && duplicates === 'drop') continue;
      if (isLeftOut(record.hash)) {
        if (!isEqual) numNearDuplicates += 1;
        continue;
      }
      const { lengths, tokens } = contentOf(record, idBytes);
      counts.numDocuments += 1;
      counts.numSentences += lengths.length;
      counts.numTokens += tokens.length;
      if (lengths.length === 1) numOneSentenceDocuments += 1;
      coverage.add(lengths);
      for (let index = 0; index < tokens.length; index++) tokenCounts[tokens[index]!]! += 1;
      const name = Buffer.from(record.name).toString();
      const place = [record.chunk, record.number] as const;
      names.add(lineOfDocument({ name, place }));
      onProgress({ numBytes: 0, numDocuments: counts.numDocuments });
      if (numEqual === 0) yield record.document;
      else {
        const copy = Uint8Array.from(record.document);
        copy.set(hashOfCopy(record.hash, numEqual));
        yield copy;
      }
    }
    yield encodeDocumentFooter(counts);
  }
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const piece of gathered(records())) {
      hash.update(piece);
      yield piece;
    }
  }

  const key = documentShardKey(datasetId, split, shard, 'bdoc');
  const sizeBytes = await store.putStream(key, hashed(), signal && { signal });
  const sha256 = hash.digest('hex');
  const putPart = async (
    partKey: string,
    pieces: readonly Uint8Array[],
  ): Promise<Assembled['tokenCounts']> => {
    await store.put(partKey, [...pieces], signal && { signal });
    const partHash = createHash('sha256');
    for (const piece of pieces) partHash.update(piece);
    const numBytes = pieces.reduce((sum, { length }) => sum + length, 0);
    return { key: partKey, sizeBytes: numBytes, sha256: partHash.digest('hex') };
  };
  const part = split === 'train' ? partNamesOf(recipe)[partOfShard(settled, shard)] : undefined;
  await putJson(store, assembledKey(datasetId, split, shard), {
    format: 'berth-assembled/1',
    shard: {
      key,
      sizeBytes,
      sha256,
      ...counts,
      ...(part !== undefined && { part }),
      names: await putPart(
        documentShardKey(datasetId, split, shard, 'names.jsonl'),
        names.finish(),
      ),
    },
    numOneSentenceDocuments,
    numDuplicates,
    ...(recipe.plan.corpus.nearDuplicates !== undefined && { numNearDuplicates }),
    numCovered: [...coverage.numCovered],
    tokenCounts: await putPart(shardCountsKey(datasetId, split, shard), [
      new Uint8Array(tokenCounts.buffer),
    ]),
  } satisfies Assembled);
}

function partOfShard({ shardsPerPart }: Split, shard: number): number {
  return Math.floor(shard / shardsPerPart);
}

/** The documents of a shard, equal ones one after the other. */
async function* documentsOf(
  store: ObjectStore,
  recipe: Recipe,
  settled: Split,
  split: AssembleJob['split'],
  shard: number,
): AsyncGenerator<PlacedRecord> {
  const buckets = bucketsOf(recipe);
  const { heldOutHash, trainHash } = settled;
  const own =
    split === 'train'
      ? trainSource(settled, buckets, shard)
      : heldOutSource(settled, buckets, shard);
  // The one document that is on the other side than its hash says.
  const leaving = hashFromHex(split === 'train' ? heldOutHash : trainHash);
  const coming = hashFromHex(split === 'train' ? trainHash : heldOutHash);
  const places: [number, number][] = [own.place];
  if (coming !== undefined && split === 'train') {
    const bucket = heldOutBucket(buckets, coming);
    places.push([bucket, bucket + 1]);
  } else if (coming !== undefined)
    for (let part = 0; part < buckets.numParts; part++) {
      const bucket = trainBucket(buckets, part, coming);
      places.push([bucket, bucket + 1]);
    }
  const numBuckets = numBucketsOf(buckets);
  const runs: RunBuckets[] = settled.numRuns.flatMap((numRuns, chunk) =>
    Array.from({ length: numRuns }, (_, run) => runKey(recipe.datasetId, chunk, run)).flatMap(
      (key) => places.map(([first, end]) => ({ key, chunk, numBuckets, first, end })),
    ),
  );
  const { heldOutRatio } = recipe.plan.corpus;
  for await (const record of mergeRuns(store, runs)) {
    const isOfSplit = heldOutValue(record.hash) < heldOutRatio === (split === 'heldOut');
    const isMoved = isSame(record.hash, isOfSplit ? leaving : coming);
    if (isOfSplit !== isMoved && own.has(record)) yield record;
  }
}

/** Where the documents of a shard lie in run files, and which of those they are. */
interface ShardSource {
  readonly place: [number, number];
  readonly has: (record: RunRecord) => boolean;
}

function trainSource({ shardsPerPart }: Split, { numShards }: Buckets, shard: number): ShardSource {
  const part = Math.floor(shard / shardsPerPart);
  const ofPart = shard % shardsPerPart;
  const bucket = part * numShards + Math.floor((ofPart * numShards) / shardsPerPart);
  return {
    place: [bucket, bucket + 1],
    has: (record) => record.part === part && shardOfHash(record.hash, shardsPerPart) === ofPart,
  };
}

function heldOutSource(
  { numHeldOutShards }: Split,
  { numParts, numShards }: Buckets,
  shard: number,
): ShardSource {
  const first = numParts * numShards;
  const perShard = numHeldOutBuckets / numHeldOutShards;
  return {
    place: [first + shard * perShard, first + (shard + 1) * perShard],
    has: ({ hash }) => shardOfHash(hash, numHeldOutShards) === shard,
  };
}

function isSame(hash: Uint8Array, other: Uint8Array | undefined): boolean {
  return other !== undefined && Buffer.compare(hash, other) === 0;
}

function hashFromHex(hex: string | undefined): Uint8Array | undefined {
  return hex === undefined ? undefined : Buffer.from(hex, 'hex');
}

/** Lengths of the sentences of a document, and its ids. */
function contentOf(
  { document }: RunRecord,
  idBytes: IdBytes,
): { readonly lengths: Uint32Array; readonly tokens: Uint16Array | Uint32Array } {
  // Views need a place that is a multiple of four, which those of a block that was read need not be at.
  const { buffer, byteOffset, byteLength } =
    document.byteOffset % 4 === 0 ? document : Uint8Array.from(document);
  const words = new Uint32Array(buffer, byteOffset + hashBytes, (byteLength - hashBytes) / 4);
  const lengths = words.subarray(1, 1 + words[0]!);
  const numTokens = lengths.reduce((sum, length) => sum + length, 0);
  const start = byteOffset + hashBytes + 4 * (1 + lengths.length);
  const Ids = idBytes === 2 ? Uint16Array : Uint32Array;
  return { lengths, tokens: new Ids(buffer as ArrayBuffer, start, numTokens) };
}

const pieceBytes = 2 ** 18;

/** Collects lines as bytes: as an object for each, those of millions of short documents would take several times as much. */
function createLines(): { add(line: string): void; finish(): Uint8Array[] } {
  const pieces: Uint8Array[] = [];
  let some: string[] = [];
  let length = 0;
  const flush = (): void => {
    if (length > 0) pieces.push(Buffer.from(some.join('')));
    [some, length] = [[], 0];
  };
  return {
    add(line) {
      some.push(line);
      length += line.length;
      if (length >= pieceBytes) flush();
    },
    finish() {
      flush();
      return pieces;
    },
  };
}

/** Small pieces put together. */
async function* gathered(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let some: Uint8Array[] = [];
  let numBytes = 0;
  for await (const piece of pieces) {
    some.push(piece);
    numBytes += piece.length;
    if (numBytes < pieceBytes) continue;
    yield Buffer.concat(some);
    some = [];
    numBytes = 0;
  }
  yield Buffer.concat(some);
}
