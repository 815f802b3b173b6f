import {
  pieceDigestSchema,
  sha256Hex,
  type DatasetManifest,
  type ObjectStore,
  type PieceDigest,
} from '@berth/contracts';
import {
  parseFileDigests,
  serializeFileDigests,
  type FileDigest,
} from '../corpus/corpus-digest.ts';
import { kindOfFile } from '../corpus/corpus-files.ts';
import { serializePieces } from '../preparation/dataset-identity.ts';
import { parseJson } from '../preparation/stored-json.ts';
import { getPart } from './stored-part.ts';

/** Data as it is now. */
export interface DataNow {
  readonly files: readonly FileDigest[];
  /** Instead of files, where the dataset notes pieces: those of the third format on. */
  readonly pieces?: readonly PieceDigest[] | undefined;
  /** Names of the parts of the corpus; undefined where it has none. */
  readonly parts: readonly string[] | undefined;
  /** A given vocab.txt; undefined when one is trained. */
  readonly vocabulary: { readonly path: string; readonly bytes: Uint8Array } | undefined;
}

/** Files that are told by name. */
const maxNamed = 3;

/**
 * In what the data differs from that which a dataset was made of, for people; undefined when it is the same: the same
 * bytes, read in the same order, whatever the files are called.
 * @throws BerthError `DATA_SHARD_CORRUPT` when the dataset's list of files is damaged
 */
export async function dataDifference(
  store: ObjectStore,
  manifest: DatasetManifest,
  { files, pieces, parts, vocabulary }: DataNow,
): Promise<string | undefined> {
  const differences = [
    partsDifference(manifest, parts),
    pieces === undefined
      ? await filesDifference(store, manifest, files)
      : await piecesDifference(store, manifest, pieces),
  ];
  const known = manifest.vocabulary.extendedFrom ?? manifest.vocabulary.sha256;
  if (vocabulary !== undefined && sha256Hex(vocabulary.bytes) !== known)
    differences.push(`the vocabulary ${vocabulary.path} has other bytes`);
  return differences.filter((difference) => difference !== undefined).join('; ') || undefined;
}

/** Weights go by these names, and shards are of one part each. */
function partsDifference(
  { train }: DatasetManifest,
  parts: readonly string[] = [],
): string | undefined {
  const before = [...new Set(train.flatMap(({ part }) => part ?? []))].sort();
  if (JSON.stringify(before) === JSON.stringify(parts)) return undefined;
  const text = (names: readonly string[]): string => names.join(', ') || 'none';
  return `the parts of the corpus are ${text(parts)}, and were ${text(before)}`;
}

async function filesDifference(
  store: ObjectStore,
  manifest: DatasetManifest,
  now: readonly FileDigest[],
): Promise<string | undefined> {
  if (sha256Hex(serializeFileDigests(now)) === manifest.corpusDigest) return undefined;
  // What older releases made does not say of which files.
  if (manifest.corpusFiles === undefined) return 'the corpus has other bytes or other file names';
  const before = parseFileDigests(await getPart(store, manifest.corpusFiles));
  const hasParts = manifest.format !== 'berth-dataset/1';
  const readingsOf = (files: readonly FileDigest[]): string =>
    JSON.stringify(files.map((file) => [readingOf(file), hasParts && file.name.split('/')[0]]));
  if (readingsOf(before) === readingsOf(now)) return undefined;
  return changesText(before, now);
}

/** Documents of the third format lie where their content says: neither the order of files nor their names matter. */
async function piecesDifference(
  store: ObjectStore,
  manifest: DatasetManifest,
  now: readonly PieceDigest[],
): Promise<string | undefined> {
  if (sha256Hex(await serializePieces(now)) === manifest.corpusDigest) return undefined;
  if (manifest.corpusFiles === undefined) return 'the corpus has other bytes or other file names';
  const key = manifest.corpusFiles.key;
  const lines = Buffer.from(await getPart(store, manifest.corpusFiles))
    .toString()
    .split('\n');
  const before = lines.slice(0, -1).map((line) => parseJson(store, pieceDigestSchema, key, line));
  const hasParts = manifest.train.some(({ part }) => part !== undefined);
  const readingsOf = (pieces: readonly PieceDigest[]): string =>
    JSON.stringify(
      pieces
        .map(([name, size, range, sha256]) =>
          JSON.stringify([kindOfFile(name), size, range, sha256, hasParts && name.split('/')[0]]),
        )
        .toSorted(),
    );
  return readingsOf(before) === readingsOf(now)
    ? undefined
    : changesText(filesOf(before), filesOf(now));
}

/** Files by the digests of all their pieces. */
function filesOf(pieces: readonly PieceDigest[]): FileDigest[] {
  const files = new Map<string, FileDigest>();
  for (const [name, sizeBytes, , sha256] of pieces) {
    const digests = `${files.get(name)?.sha256 ?? ''}${sha256}`;
    files.set(name, { name, sizeBytes, sha256: digests });
  }
  return [...files.values()];
}

function changesText(before: readonly FileDigest[], now: readonly FileDigest[]): string {
  const [earlier, later] = [before, now].map(
    (files) => new Map(files.map((file) => [file.name, file])),
  ) as [Map<string, FileDigest>, Map<string, FileDigest>];
  const changes = [
    ...now.flatMap((file) => changeOf(earlier.get(file.name), file)),
    ...before.flatMap(({ name }) => (later.has(name) ? [] : [`${name} is gone`])),
  ];
  const more = changes.length - maxNamed;
  return changes.slice(0, maxNamed).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

/** What decides which documents are read of a file. */
function readingOf({ name, sizeBytes, sha256 }: FileDigest): unknown {
  return [kindOfFile(name), sizeBytes, sha256];
}

function changeOf(before: FileDigest | undefined, now: FileDigest): string[] {
  if (before === undefined) return [`${now.name} is new`];
  if (before.sha256 === now.sha256) return [];
  return before.sizeBytes === now.sizeBytes
    ? [`${now.name} has other bytes`]
    : [`${now.name} has ${now.sizeBytes} bytes, not ${before.sizeBytes}`];
}
