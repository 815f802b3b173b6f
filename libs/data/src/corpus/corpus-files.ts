import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { BerthError, type CorpusPiece, type LeftOut, type LeftOutEntry } from '@berth/contracts';
import { createRootCheck, requireWithin, type CorpusRoots } from './corpus-roots.ts';
import { parseGlob, type Glob } from './glob.ts';
import { isOfHub, pathInHub } from './sources/hub-cache.ts';
import { listBucket } from './sources/list-bucket.ts';
import type { CorpusObjects } from './sources/corpus-objects.ts';
import { isInBucket, requireBuckets } from './sources/buckets.ts';
import { sortedInTurns } from '../text/sorted-in-turns.ts';
import { giveTurn, isTurnDue } from '../text/work.ts';
import { walkFolder, type FoundFile, type Walk } from './walk-folder.ts';

/** The files of a corpus, sorted by name, and what lies beside them. */
export interface CorpusListing {
  /** Each whole. */
  readonly files: readonly CorpusPiece[];
  readonly leftOut: LeftOut;
}

const supported =
  '.txt, .jsonl, .ndjson, .csv, .tsv or .mds, each plain, .gz, .zst, .bz2 or .xz, or .parquet';

/** Entries left out that are told by name. */
export const maxNamed = 10;

export interface FindFilesOptions {
  readonly roots?: CorpusRoots | undefined;
  /** Where the corpus may be in buckets. */
  readonly s3?: CorpusObjects | undefined;
  /** Folder of what was downloaded from the Hugging Face hub. */
  readonly hubCache?: string | undefined;
  /** What names the path to whoever is told of errors. @defaultValue `corpus.path` */
  readonly setting?: string | undefined;
}

/**
 * Lists a corpus: one file, all supported files below a folder, or those that match a glob (see {@link parseGlob}), on disk, in a bucket
 * or among what was downloaded from the Hugging Face hub.
 * Hidden entries, linked folders, links to a file that is read anyhow, empty files, other kinds of files and what
 * cannot be read or leads out of the roots are left out, and told. What a glob does not match is not part of the corpus.
 *
 * @throws BerthError DATA_CORPUS_NOT_FOUND when the path does not exist or is not below the roots, DATA_CORPUS_EMPTY when it has no
 * supported file, DATA_CORPUS_INVALID when it cannot be read.
 */
export async function findCorpusFiles(
  named: string,
  { roots = [], s3, hubCache, setting = 'corpus.path' }: FindFilesOptions = {},
): Promise<CorpusListing> {
  const path = isOfHub(named) ? await pathInHub(named, hubCache, setting) : named;
  const glob = parseGlob(path);
  await requireWithin(roots, glob?.base ?? path, setting);
  const isWithin = await createRootCheck(roots);
  const walk = isInBucket(path)
    ? await listBucket(path, glob, requireBuckets(path, s3))
    : await listPath(path, glob, setting);
  const leftOut: LeftOutEntry[] = walk.leftOut.map(({ name, reason }) => ({ name, reason }));
  const files: CorpusPiece[] = [];
  const nameOf = new Map<string, string>();
  // Links last, so that it is the link that gives way.
  const inOrder = await sortedInTurns(
    walk.files,
    (a, b) => Number(a.isLink) - Number(b.isLink) || byName(a, b),
  );
  for (const { path: filePath, name, sizeBytes, version, realPath } of inOrder) {
    const kind = kindOfFile(name);
    const same = nameOf.get(realPath);
    if (!isWithin(realPath))
      leftOut.push({ name, reason: 'a link out of the folders that runs may read' });
    else if (kind === undefined) leftOut.push({ name, reason: `not ${supported}` });
    else if (same !== undefined) leftOut.push({ name, reason: `a link to ${same}, which is read` });
    else if (sizeBytes === 0 && kind.compression === 'none') leftOut.push({ name, reason: 'empty' });
    else {
      nameOf.set(realPath, name);
      // Where roots bind, what was checked is read, whatever the link says by then.
      const place = roots.length === 0 && !isInBucket(filePath) ? resolve(filePath) : realPath;
      files.push({ name, place, sizeBytes, version, ...kind });
    }
    if (isTurnDue()) await giveTurn();
  }
  const first = leftOut.sort(byName).slice(0, maxNamed);
  if (files.length === 0) {
    const [example] = first;
    const why = glob === undefined ? 'found nothing to read' : 'nothing matches';
    const found =
      example === undefined ? why : `found nothing to read (${example.name}: ${example.reason})`;
    const files = found.includes(supported) ? 'such files' : `files named ${supported}`;
    throw new BerthError(
      'DATA_CORPUS_EMPTY',
      `corpus ${path}: ${found}: point ${setting} at text in ${files}`,
      { details: { path } },
    );
  }
  return { files: await sortedInTurns(files, byName), leftOut: { numEntries: leftOut.length, first } };
}

/** The error for a corpus file or folder that the system would not read. */
export function toCorpusError(
  path: string,
  error: unknown,
  setting = 'corpus.path',
): BerthError {
  const reason = error instanceof Error ? error.message : String(error);
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return isMissing
    ? new BerthError(
        'DATA_CORPUS_NOT_FOUND',
        `corpus ${path} does not exist: correct ${setting}${setting === 'corpus.path' ? " (relative paths start at the run's configuration file)" : ''}`,
        { cause: error, details: { path } },
      )
    : new BerthError(
        'DATA_CORPUS_INVALID',
        `corpus ${path} cannot be read (${reason}): check its permissions, or replace it with an intact copy`,
        { cause: error, details: { path } },
      );
}

async function listPath(path: string, glob: Glob | undefined, setting: string): Promise<Walk> {
  const stats = await stat(path).catch((error: unknown) => {
    if (glob === undefined) throw toCorpusError(path, error, setting);
    return undefined;
  });
  if (stats?.isFile()) return { files: [await asFile(path, stats)], leftOut: [] };
  if (stats !== undefined && !stats.isDirectory())
    throw new BerthError(
      'DATA_CORPUS_INVALID',
      `corpus ${path} is neither a file nor a folder: point ${setting} at text`,
      { details: { path } },
    );
  const isGlob = stats === undefined && glob !== undefined;
  const base = isGlob ? glob.base : path;
  const isDeep = !isGlob || glob.isDeep;
  const walk = await walkFolder(base, { isDeep, seesHidden: isGlob }).catch((error: unknown) => {
    throw toCorpusError(base, error, setting);
  });
  if (!isGlob) return walk;
  return {
    files: walk.files.filter(({ name }) => glob.matches(name)),
    leftOut: walk.leftOut.filter(({ name, isFolder }) => isFolder || glob.matches(name)),
  };
}

async function asFile(path: string, { size, mtimeMs }: Stats): Promise<FoundFile> {
  const realPath = await realpath(path);
  return { name: basename(path), path, sizeBytes: size, version: String(mtimeMs), isLink: false, realPath };
}

type Kind = Pick<CorpusPiece, 'format' | 'compression'>;

const formats: Readonly<Record<string, CorpusPiece['format']>> = {
  txt: 'txt',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  csv: 'csv',
  tsv: 'tsv',
  mds: 'mds',
  parquet: 'parquet',
};

const compressions: Readonly<Record<string, CorpusPiece['compression']>> = {
  gz: 'gzip',
  zst: 'zstd',
  zstd: 'zstd',
  bz2: 'bz2',
  xz: 'xz',
};

/** How a file of that name is read; undefined when it is not. */
export function kindOfFile(name: string): Kind | undefined {
  const [, format, suffix] = /\.([a-z]+)(?:\.(gz|zstd?|bz2|xz))?$/.exec(name.toLowerCase()) ?? [];
  if (format === undefined || !Object.hasOwn(formats, format)) return undefined;
  const compression = suffix === undefined ? 'none' : compressions[suffix]!;
  // Its end is read first, and it compresses what it holds itself.
  if (format === 'parquet' && compression !== 'none') return undefined;
  return { format: formats[format]!, compression };
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
