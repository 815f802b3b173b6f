import { sha256Hex, type DatasetManifest, type ObjectStore } from '@berth/contracts';
import {
  parseFileDigests,
  serializeFileDigests,
  type FileDigest,
} from '../corpus/corpus-digest.ts';
import { kindOfFile } from '../corpus/corpus-files.ts';
import { getPart } from './stored-part.ts';

/** Data as it is now. */
export interface DataNow {
  readonly files: readonly FileDigest[];
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
  { files, vocabulary }: DataNow,
): Promise<string | undefined> {
  const differences = [await filesDifference(store, manifest, files)];
  const known = manifest.vocabulary.extendedFrom ?? manifest.vocabulary.sha256;
  if (vocabulary !== undefined && sha256Hex(vocabulary.bytes) !== known)
    differences.push(`the vocabulary ${vocabulary.path} has other bytes`);
  return differences.filter((difference) => difference !== undefined).join('; ') || undefined;
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
  if (JSON.stringify(before.map(readingOf)) === JSON.stringify(now.map(readingOf)))
    return undefined;
  const changes = [
    ...now.flatMap((file) =>
      changeOf(
        before.find(({ name }) => name === file.name),
        file,
      ),
    ),
    ...before.flatMap(({ name }) =>
      now.some((file) => file.name === name) ? [] : [`${name} is gone`],
    ),
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
