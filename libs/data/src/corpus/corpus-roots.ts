import { realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, relative } from 'node:path';
import { BerthError, type CorpusChunk } from '@berth/contracts';

/** Folders, and places such as s3://bucket/prefix, below which a run may read; everywhere when there are none. */
export type CorpusRoots = readonly string[];

const isPlace = (root: string): boolean => root.startsWith('s3://');

/**
 * What BERTH_CORPUS_ROOTS names, with colons between.
 * @throws BerthError `CONFIG_INVALID` for a path that is not absolute
 */
export function corpusRootsFrom(text: string | undefined): CorpusRoots {
  const roots = (text ?? '')
    .split(new RegExp(`${delimiter}(?!//)`))
    .filter((root) => root !== '');
  const wrong = roots.find((root) => !isPlace(root) && !isAbsolute(root));
  if (wrong === undefined) return roots;
  throw new BerthError(
    'CONFIG_INVALID',
    `BERTH_CORPUS_ROOTS: "${wrong}" is not an absolute path; name folders, or s3://bucket/prefix, with ${delimiter} between`,
  );
}

/**
 * Checks that a path lies below one of the roots, wherever links on the way lead.
 * @param key - of the setting that names it
 * @returns the path without links, where there are roots
 * @throws BerthError `DATA_CORPUS_NOT_FOUND`, the same whether or not there is such a path
 */
export async function requireWithin(
  roots: CorpusRoots,
  path: string,
  key: string,
): Promise<string> {
  if (roots.length === 0) return path;
  return findWithin(roots, await createRootCheck(roots), path, key);
}

/**
 * A chunk that may have been listed where other roots bind.
 * @returns it with places without links, where there are roots
 * @throws BerthError `DATA_CORPUS_NOT_FOUND` when one of its pieces does not lie below them
 */
export async function chunkWithin(roots: CorpusRoots, chunk: CorpusChunk): Promise<CorpusChunk> {
  if (roots.length === 0) return chunk;
  const isWithin = await createRootCheck(roots);
  const pieces: CorpusChunk['pieces'] = [];
  for (const piece of chunk.pieces)
    pieces.push({ ...piece, place: await findWithin(roots, isWithin, piece.place, 'corpus') });
  return { ...chunk, pieces };
}

async function findWithin(
  roots: CorpusRoots,
  isWithin: (realPath: string) => boolean,
  path: string,
  key: string,
): Promise<string> {
  const found = isPlace(path) ? path : await realpath(path).catch(() => undefined);
  if (found !== undefined && isWithin(found)) return found;
  throw new BerthError(
    'DATA_CORPUS_NOT_FOUND',
    `${key}: ${path} is not below ${roots.join(' or ')}, all that runs may read here (BERTH_CORPUS_ROOTS); ` +
      'put the text there, or add its folder',
    { details: { path } },
  );
}

/** @returns what tells whether a path without links, or a place, lies below one of the roots */
export async function createRootCheck(
  roots: CorpusRoots,
): Promise<(realPath: string) => boolean> {
  if (roots.length === 0) return () => true;
  const folders = await Promise.all(
    roots
      .filter((root) => !isPlace(root))
      .map((root) => realpath(root).catch(() => undefined)),
  );
  return (realPath) =>
    isPlace(realPath)
      ? roots.some((root) => realPath === root || realPath.startsWith(`${root.replace(/\/$/, '')}/`))
      : folders.some((folder) => folder !== undefined && isBelow(folder, realPath));
}

function isBelow(folder: string, realPath: string): boolean {
  const way = relative(folder, realPath);
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}
