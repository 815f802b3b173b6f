import {
  BerthError,
  isBerthError,
  type NearDuplicatesJob,
  type ObjectStore,
  type Recipe,
  type Split,
} from '@berth/contracts';
import { compareHashes, heldOutValue } from '../dataset/document-hash.ts';
import { lostCodes } from '../dataset/merge-runs.ts';
import { getAllTokenised, splitDataset } from '../dataset/split-dataset.ts';
import { getRecipe, partNamesOf } from '../dataset/tokenise-chunk.ts';
import { withRunsMadeAgain } from '../dataset/with-runs-made-again.ts';
import { leftOutKey, signaturesKey } from '../preparation/keys.ts';
import type { StageOptions } from '../preparation/stage-options.ts';
import { giveTurn, inTurns, isTurnDue } from '../text/work.ts';
import { bandsFor, maxCompared, type Bands } from './bands.ts';
import { findNearDuplicates } from './find-near-duplicates.ts';
import { encodeLeftOut, readLeftOut } from './left-out-file.ts';
import { readSignatures } from './signature-file.ts';
import { createSignatureTable, type SignatureTable } from './signature-table.ts';

/** Of a run file of the most documents. */
const maxFileBytes = 512 * 2 ** 20;

/**
 * Does a job that finds near duplicates: settles which documents are left out. What of the signatures is damaged or gone is made again
 * where the text is to be seen.
 * @throws BerthError `DATA_CORPUS_INVALID` for more documents than one process compares, `DATA_CORPUS_EMPTY` where none would be left to
 * train on, `DATA_SHARD_CORRUPT`, and what the store throws
 */
export async function leaveOutNearDuplicates(
  { datasetId }: Pick<NearDuplicatesJob, 'datasetId'>,
  store: ObjectStore,
  options: StageOptions = {},
): Promise<void> {
  const key = leftOutKey(datasetId);
  if ((await store.head(key)) !== undefined) return;
  const recipe = await getRecipe(store, datasetId);
  const settled = await splitDataset({ datasetId }, store);
  await withRunsMadeAgain(datasetId, store, options, async () => {
    const groups = await find(store, recipe, settled, options);
    await store.put(key, encodeLeftOut(groups));
  });
}

/**
 * Hashes of the documents of a group that are left out, one behind the other and ascending; none where near duplicates stay.
 * @throws BerthError as `leaveOutNearDuplicates`
 */
export async function getLeftOut(
  store: ObjectStore,
  { datasetId, plan }: Recipe,
  group: number,
  options: StageOptions,
): Promise<Uint8Array> {
  if (plan.corpus.nearDuplicates === undefined) return new Uint8Array();
  const key = leftOutKey(datasetId);
  for (let isLast = false; ; isLast = true) {
    await leaveOutNearDuplicates({ datasetId }, store, options);
    try {
      return readLeftOut(await store.get(key, { maxBytes: maxFileBytes }), key, group);
    } catch (error) {
      if (isLast || !isBerthError(error) || !lostCodes.has(error.code)) throw error;
      await store.delete(key);
    }
  }
}

/** Documents that are held out come after those of all parts. */
export function heldOutGroupOf(recipe: Recipe): number {
  return partNamesOf(recipe).length;
}

async function find(
  store: ObjectStore,
  recipe: Recipe,
  settled: Split,
  { signal, onProgress = () => undefined }: StageOptions,
): Promise<Uint8Array[][]> {
  const threshold = recipe.plan.corpus.nearDuplicates ?? 1;
  const bands = bandsFor(threshold);
  const tell = (numDocuments: number, what: string, share: number): void =>
    onProgress({
      numBytes: 0,
      numDocuments,
      activity: `${what} documents for near duplicates: ${Math.floor(100 * share)} %`,
    });
  const table = await readAll(store, recipe, settled, { bands, signal, tell });
  const heldOutGroup = heldOutGroupOf(recipe);
  const isOut = await inTurns(
    findNearDuplicates(table, {
      bands,
      threshold,
      heldOutGroup,
      firstHash:
        settled.trainHash === undefined ? undefined : Buffer.from(settled.trainHash, 'hex'),
      onShare: (share) => tell(table.numDocuments, 'comparing', share),
    }),
    signal,
  );
  const leftOut = Array.from({ length: heldOutGroup + 1 }, (): Uint8Array[] => []);
  const stays = new Set<number>();
  for (let document = 0; document < table.numDocuments; document++) {
    const group = table.groups[document]!;
    if (isOut[document] === 0) stays.add(group);
    else leftOut[group]!.push(table.hashOf(document));
    if (isTurnDue()) await giveTurn(signal);
  }
  requireDocuments(recipe, leftOut, stays);
  for (const group of leftOut) {
    group.sort(compareHashes);
    if (isTurnDue()) await giveTurn(signal);
  }
  return leftOut;
}

interface ReadOptions {
  readonly bands: Bands;
  readonly signal: AbortSignal | undefined;
  readonly tell: (numDocuments: number, what: string, share: number) => void;
}

async function readAll(
  store: ObjectStore,
  recipe: Recipe,
  settled: Split,
  { bands, signal, tell }: ReadOptions,
): Promise<SignatureTable> {
  const { datasetId, plan } = recipe;
  const all = await getAllTokenised(store, recipe);
  const total = all.reduce((sum, { numDocuments }) => sum + numDocuments, 0);
  const room = maxCompared(bands);
  const table = createSignatureTable(Math.min(total, room), bands);
  const isHeldOut = sideBy(plan.corpus.heldOutRatio, settled);
  for (const [chunk, numRuns] of settled.numRuns.entries())
    for (let run = 0; run < numRuns; run++) {
      const key = signaturesKey(datasetId, chunk, run);
      for (const { hash, part, ...signature } of await readOf(store, key, chunk, bands)) {
        const group = isHeldOut(hash) ? heldOutGroupOf(recipe) : part;
        if (!table.add(hash, group, signature)) throw tooManyDocuments(room);
        if (isTurnDue()) await giveTurn(signal);
      }
      tell(table.numDocuments, 'reading', (chunk + 1) / settled.numRuns.length);
    }
  return table;
}

/** @throws BerthError `DATA_SHARD_CORRUPT` with the chunk */
async function readOf(
  store: ObjectStore,
  key: string,
  chunk: number,
  bands: Bands,
): Promise<ReturnType<typeof readSignatures>> {
  try {
    return readSignatures(await store.get(key, { maxBytes: maxFileBytes }), key, bands);
  } catch (error) {
    if (!isBerthError(error) || !lostCodes.has(error.code)) throw error;
    throw new BerthError(
      'DATA_SHARD_CORRUPT',
      `${key} is damaged or gone: prepare the dataset again`,
      { cause: error, details: { key, chunk } },
    );
  }
}

/** Which documents are held out: those whose hash says so, but for the one that is on the other side. */
function sideBy(
  heldOutRatio: number,
  { heldOutHash, trainHash }: Split,
): (hash: Uint8Array) => boolean {
  return (hash) => {
    const isOut = heldOutValue(hash) < heldOutRatio;
    const moved = isOut ? trainHash : heldOutHash;
    return moved !== undefined && Buffer.from(hash).toString('hex') === moved ? !isOut : isOut;
  };
}

/** Only what is left out can leave a side or a part empty: what tokenising left has documents for all. */
function requireDocuments(
  recipe: Recipe,
  leftOut: readonly (readonly Uint8Array[])[],
  stays: ReadonlySet<number>,
): void {
  const empty = leftOut.findIndex((hashes, group) => hashes.length > 0 && !stays.has(group));
  if (empty === -1) return;
  const what =
    empty === heldOutGroupOf(recipe)
      ? 'every document that is held out is a near duplicate of one that is trained on'
      : `every training document${ofPart(recipe, empty)} is a near duplicate of one that is held out`;
  throw new BerthError(
    'DATA_CORPUS_EMPTY',
    `${what}, and would be left out: add other text, set corpus.heldOutRatio: 0, or raise corpus.nearDuplicates`,
  );
}

function ofPart(recipe: Recipe, group: number): string {
  const name = partNamesOf(recipe)[group];
  return name === undefined ? '' : ` of ${name}`;
}

function tooManyDocuments(room: number): BerthError {
  return new BerthError(
    'DATA_CORPUS_INVALID',
    `corpus.nearDuplicates: the corpus has more than ${room.toLocaleString('en-US')} different documents, and no more are compared in one ` +
      'process: take near duplicates out of the corpus before, with a tool for many machines such as the MinHash pipeline of datatrove ' +
      'or the fuzzy deduplication of NVIDIA NeMo Curator, and leave the setting out',
  );
}
