import { createHash } from 'node:crypto';
import {
  type AssembleJob,
  type Assembled,
  type DocumentShard,
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
import { hashOfCopy, heldOutValue } from './document-hash.ts';
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
  trainBucket,
  type PlacedRecord,
  type RunRecord,
} from './run-file.ts';
import { groupFrom, sourceOf, type ShardGroup } from './shard-groups.ts';
import { splitDataset } from './split-dataset.ts';
import { bucketsOf, getRecipe, partNamesOf } from './tokenise-chunk.ts';
import { hashBytes } from './token-documents.ts';
import { withRunsMadeAgain } from './with-runs-made-again.ts';

type ShardPlace = Pick<AssembleJob, 'datasetId' | 'split' | 'shard'>;

/**
 * Does an assemble job: puts a document shard, or a group of small ones, together of the run files of all chunks. What of these is damaged or gone is made again
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
  { datasetId, split, shard: first }: ShardPlace,
  store: ObjectStore,
  recipe: Recipe,
  settled: Split,
  options: StageOptions,
): Promise<void> {
  const { signal, onProgress = () => undefined } = options;
  const { numTokens: numEntries } = recipe.vocabulary;
  const idBytes = idBytesOf(numEntries);
  const { duplicates = 'drop' } = recipe.plan.corpus;
  const group = groupFrom(settled, split, first);
  const tokenCounts = new Uint32Array(numEntries);
  const coverage = createCoverageMeter();
  let numDocuments = 0;
  let numOneSentenceDocuments = 0;
  let numDuplicates = 0;
  let numNearDuplicates = 0;
  // Hashes ascend from shard to shard, as a group is of one part.
  const leftOutOf =
    split === 'train' ? Math.floor(first / settled.shardsPerPart) : heldOutGroupOf(recipe);
  const isLeftOut = ascendingIn(await getLeftOut(store, recipe, leftOutOf, options));
  const putPart = async (
    partKey: string,
    pieces: readonly Uint8Array[],
  ): Promise<Assembled['tokenCounts']> => {
    const hash = createHash('sha256');
    for (const piece of pieces) hash.update(piece);
    const sha256 = hash.digest('hex');
    await store.put(partKey, pieces, { sha256, ...(signal && { signal }) });
    return { key: partKey, sizeBytes: pieces.reduce((sum, { length }) => sum + length, 0), sha256 };
  };
  const part =
    split === 'train' ? partNamesOf(recipe)[Math.floor(first / settled.shardsPerPart)] : undefined;
  const merged = documentsOf(store, recipe, settled, group);
  let next = await merged.next();

  /** The shard whose documents come next. */
  const putShard = async (shard: number): Promise<DocumentShard> => {
    const counts: DocumentCounts = { numDocuments: 0, numSentences: 0, numTokens: 0 };
    const names = createLines();
    async function* records(): AsyncGenerator<Uint8Array> {
      yield encodeDocumentHeader(idBytes);
      let last: Uint8Array | undefined;
      let numEqual = 0;
      for (; next.done !== true && next.value.shard === shard; next = await merged.next()) {
        const { record } = next.value;
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
        onProgress({ numBytes: 0, numDocuments: ++numDocuments });
        if (numEqual === 0) yield record.document;
        else {
          const copy = Uint8Array.from(record.document);
          copy.set(hashOfCopy(record.hash, numEqual));
          yield copy;
        }
      }
      yield encodeDocumentFooter(counts);
    }
    const hash = createHash('sha256');
    async function* hashed(): AsyncGenerator<Uint8Array> {
      for await (const piece of gathered(records())) {
        hash.update(piece);
        yield piece;
      }
    }
    const key = documentShardKey(datasetId, split, shard, 'bdoc');
    const sizeBytes = await store.putStream(key, hashed(), signal && { signal });
    const namesKey = documentShardKey(datasetId, split, shard, 'names.jsonl');
    return {
      key,
      sizeBytes,
      sha256: hash.digest('hex'),
      ...counts,
      ...(part !== undefined && { part }),
      names: await putPart(namesKey, names.finish()),
    };
  };

  const shards: DocumentShard[] = [];
  for (let shard = first; shard < group.end; shard++) shards.push(await putShard(shard));
  await putJson(store, assembledKey(datasetId, split, first), {
    format: 'berth-assembled/2',
    shards,
    numOneSentenceDocuments,
    numDuplicates,
    ...(recipe.plan.corpus.nearDuplicates !== undefined && { numNearDuplicates }),
    numCovered: [...coverage.numCovered],
    tokenCounts: await putPart(shardCountsKey(datasetId, split, first), [
      new Uint8Array(tokenCounts.buffer),
    ]),
  } satisfies Assembled);
}

/** A document of a group, and which shard it is of. */
interface ShardRecord {
  readonly shard: number;
  readonly record: PlacedRecord;
}

/** The documents of a group, shard by shard, equal ones one after the other. */
async function* documentsOf(
  store: ObjectStore,
  recipe: Recipe,
  settled: Split,
  group: ShardGroup,
): AsyncGenerator<ShardRecord, void> {
  const buckets = bucketsOf(recipe);
  const { heldOutHash, trainHash } = settled;
  const { split } = group;
  const own = sourceOf(group, settled, buckets);
  // The one document that is on the other side than its hash says.
  const leaving = hashFromHex(split === 'train' ? heldOutHash : trainHash);
  const coming = hashFromHex(split === 'train' ? trainHash : heldOutHash);
  const places: (readonly [number, number])[] = [own.place];
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
    const shard = isOfSplit !== isMoved ? own.shardOf(record) : undefined;
    if (shard !== undefined) yield { shard, record };
  }
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
