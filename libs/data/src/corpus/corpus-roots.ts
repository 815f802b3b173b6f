import { realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, relative } from 'node:path';
import { BerthError } from '@berth/contracts';

/** Folders below which a run may read; everywhere when there are none. */
export type CorpusRoots = readonly string[];

/**
 * The folders that BERTH_CORPUS_ROOTS names, with colons between.
 * @throws BerthError `CONFIG_INVALID` for one that is not absolute
 */
export function corpusRootsFrom(text: string | undefined): CorpusRoots {
  const roots = (text ?? '').split(delimiter).filter((root) => root !== '');
  const wrong = roots.find((root) => !isAbsolute(root));
  if (wrong === undefined) return roots;
  throw new BerthError(
    'CONFIG_INVALID',
    `BERTH_CORPUS_ROOTS: "${wrong}" is not an absolute path; name folders, with ${delimiter} between`,
  );
}

/**
 * Checks that a path lies below one of the roots, wherever links on the way lead.
 * @param key - of the setting that names it
 * @returns the path without links, where there are roots
 * @throws BerthError `DATA_CORPUS_INVALID`, the same whether or not there is such a path
 */
export async function requireWithin(
  roots: CorpusRoots,
  path: string,
  key: string,
): Promise<string> {
  if (roots.length === 0) return path;
  const found = await realpath(path).catch(() => undefined);
  if (found !== undefined && (await isWithin(roots, found))) return found;
  throw new BerthError(
    'DATA_CORPUS_INVALID',
    `${key}: ${path} is not below ${roots.join(' or ')}, all that runs may read here (BERTH_CORPUS_ROOTS); ` +
      'put the text there, or add its folder',
    { details: { path } },
  );
}

/** Whether a path without links lies below one of the roots. */
export async function isWithin(roots: CorpusRoots, realPath: string): Promise<boolean> {
  if (roots.length === 0) return true;
  const bases = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
  return bases.some((base) => {
    if (base === undefined) return false;
    const way = relative(base, realPath);
    return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
  });
}
