import { BerthError, type DocumentShard, type ObjectStore } from '@berth/contracts';
import { getPart, putPart } from './stored-part.ts';

/**
 * What the documents of a shard are called, in its order: null for one that has no name or is forgotten; undefined where the
 * dataset has no names.
 * @throws BerthError `DATA_SHARD_CORRUPT` when these are not its names
 */
export async function readDocumentNames(
  store: ObjectStore,
  { names: part, numDocuments }: Pick<DocumentShard, 'names' | 'numDocuments'>,
): Promise<(string | null)[] | undefined> {
  if (part === undefined) return undefined;
  const text = new TextDecoder().decode(await getPart(store, part));
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const names = lines.map(nameOf);
  if (names.length === numDocuments && !names.includes(undefined))
    return names as (string | null)[];
  throw new BerthError(
    'DATA_SHARD_CORRUPT',
    `${part.key} does not hold the names of ${numDocuments} documents; prepare the dataset again`,
    { details: { key: part.key } },
  );
}

/** Stores names, one line of JSON each. */
export async function putDocumentNames(
  store: ObjectStore,
  key: string,
  names: readonly (string | null)[],
): ReturnType<typeof putPart> {
  const text = names.map((name) => `${JSON.stringify(name)}\n`).join('');
  return putPart(store, key, new TextEncoder().encode(text));
}

function nameOf(line: string): string | null | undefined {
  try {
    const name: unknown = JSON.parse(line);
    return typeof name === 'string' || name === null ? name : undefined;
  } catch {
    return undefined;
  }
}
