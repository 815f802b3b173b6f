import {
  digestOf,
  pieceDigestSchema,
  type ObjectStore,
  type PieceDigest,
  type Plan,
  type TextRules,
} from '@berth/contracts';
import { sortedInTurns } from '../text/sorted-in-turns.ts';
import { giveTurn, isTurnDue } from '../text/work.ts';
import { surveyKey } from './keys.ts';
import { getJson } from './stored-json.ts';

/** Grows when a release reads the same bytes, by the same settings, as other documents. */
const readerVersion = 4;

/** Everything that shapes a dataset besides the code that makes it. */
export interface DatasetIdentity {
  /** SHA-256 of the lines of `serializePieces`. */
  readonly corpusDigest: string;
  readonly plan: Pick<Plan, 'corpus' | 'numShards'>;
  /** SHA-256 of the vocabulary. */
  readonly vocabulary: string;
  readonly doLowerCase: boolean;
  readonly textRules: TextRules;
}

/**
 * The dataset that this makes, wherever its files lie: other bytes or settings, or another version of the tables that say where
 * sentences and words end, make another.
 */
export function identityOfDataset({ plan, ...inputs }: DatasetIdentity): string {
  const { path: _path, parts, ...reading } = plan.corpus;
  return digestOf({
    format: 'berth-dataset/3',
    readerVersion,
    ...inputs,
    reading,
    parts: parts?.map(({ name }) => name).toSorted(),
    numShards: plan.numShards,
  });
}

const numAtOnce = 32;
const piecesAtOnce = 1 << 12;

/** The pieces of a whole corpus, by name and place in the file. @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws */
export async function getPieces(
  store: ObjectStore,
  { planId, chunkBytes }: Plan,
): Promise<PieceDigest[]> {
  const pieces: PieceDigest[] = [];
  for (let start = 0; start < chunkBytes.length; start += numAtOnce) {
    const some = chunkBytes
      .slice(start, start + numAtOnce)
      .map((_, index) =>
        getJson(store, pieceDigestSchema.array(), surveyKey(planId, start + index)),
      );
    for (const list of await Promise.all(some)) for (const piece of list) pieces.push(piece);
  }
  return sortedInTurns(pieces, ([a, , from], [b, , to]) =>
    a === b ? (from?.[0] ?? 0) - (to?.[0] ?? 0) : a < b ? -1 : 1,
  );
}

/** One line for each piece: [name, size, range, SHA-256]. */
export async function serializePieces(pieces: readonly PieceDigest[]): Promise<Uint8Array> {
  const blocks: Buffer[] = [];
  for (let start = 0; start < pieces.length; start += piecesAtOnce) {
    const some = pieces.slice(start, start + piecesAtOnce);
    blocks.push(Buffer.from(some.map((piece) => `${JSON.stringify(piece)}\n`).join('')));
    if (isTurnDue()) await giveTurn();
  }
  return Buffer.concat(blocks);
}
