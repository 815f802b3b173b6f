import { BerthError } from '@berth/contracts';
import type { Glob } from '../glob.ts';
import type { FoundFile, Walk } from '../walk-folder.ts';
import type { CorpusObject, CorpusObjects } from './corpus-objects.ts';

/**
 * Lists an object, the objects below a prefix, or those that match a glob.
 * @throws BerthError DATA_CORPUS_NOT_FOUND when there is none, `STORE_*` when the bucket cannot be read
 */
export async function listBucket(
  path: string,
  glob: Glob | undefined,
  objects: CorpusObjects,
): Promise<Walk> {
  const place = path.replace(/\/+$/, '');
  if (glob === undefined) {
    // The object of that name comes first of all that begin with it.
    for await (const object of objects.list(place)) {
      if (object.place === place) return { files: [asFile(object, nameOf(place))], leftOut: [] };
      break;
    }
  }
  const base = `${glob?.base ?? place}/`;
  const walk: Walk = { files: [], leftOut: [] };
  for await (const object of objects.list(base)) {
    const name = object.place.slice(base.length);
    // What some tools put for a folder.
    if (name === '' || name.endsWith('/')) continue;
    if (glob === undefined ? isHidden(name) : !glob.matches(name)) {
      if (glob === undefined) walk.leftOut.push({ name, reason: 'hidden', isFolder: false });
    } else walk.files.push(asFile(object, name));
  }
  if (walk.files.length + walk.leftOut.length > 0 || glob !== undefined) return walk;
  throw new BerthError(
    'DATA_CORPUS_NOT_FOUND',
    `corpus ${path} does not exist: no object is named so, and none lies below it`,
    { details: { path } },
  );
}

function asFile({ place, sizeBytes, version }: CorpusObject, name: string): FoundFile {
  return { name, path: place, realPath: place, sizeBytes, version, isLink: false };
}

function isHidden(name: string): boolean {
  return name.split('/').some((part) => part.startsWith('.'));
}

function nameOf(place: string): string {
  return place.slice(place.lastIndexOf('/') + 1);
}
