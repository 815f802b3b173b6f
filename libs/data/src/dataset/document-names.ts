import { BerthError, type DocumentShard, type ObjectStore } from '@berth/contracts';
import { getPart, putPart } from './stored-part.ts';

/** Where a document stands in its corpus: which chunk, and which document of it. */
export type CorpusPlace = readonly [chunk: number, number: number];

/** What a document is called where it comes from, and where it stands there. */
export interface NamedDocument {
  /** Null for one that has no name or is forgotten. */
  readonly name: string | null;
  /** Absent in what earlier releases made. */
  readonly place?: CorpusPlace;
}

type Named = Pick<DocumentShard, 'names' | 'numDocuments'>;

/**
 * Names and places of the documents of a shard, in its order; undefined where the dataset has none.
 * @throws BerthError `DATA_SHARD_CORRUPT` when these are not its names
 */
export async function readNamedDocuments(
  store: ObjectStore,
  { names: part, numDocuments }: Named,
): Promise<NamedDocument[] | undefined> {
  if (part === undefined) return undefined;
  const text = new TextDecoder().decode(await getPart(store, part));
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const documents = lines.map(documentOfLine);
  if (documents.length === numDocuments && !documents.includes(undefined))
    return documents as NamedDocument[];
  throw new BerthError(
    'DATA_SHARD_CORRUPT',
    `${part.key} does not hold the names of ${numDocuments} documents; prepare the dataset again`,
    { details: { key: part.key } },
  );
}

/** The names alone. @throws BerthError as `readNamedDocuments` */
export async function readDocumentNames(
  store: ObjectStore,
  part: Named,
): Promise<(string | null)[] | undefined> {
  return (await readNamedDocuments(store, part))?.map(({ name }) => name);
}

/**
 * The first documents of a shard in the order in which the corpus has them, by their numbers in the shard; undefined where the dataset
 * does not say.
 * @throws BerthError as `readNamedDocuments`
 */
export async function readCorpusOrder(
  store: ObjectStore,
  part: Named,
  numDocuments: number,
): Promise<Uint32Array | undefined> {
  const places = (await readNamedDocuments(store, part))
    ?.slice(0, numDocuments)
    .map(({ place }) => place);
  if (places === undefined || places.includes(undefined)) return undefined;
  const known = places as CorpusPlace[];
  return Uint32Array.from(known.keys()).sort(
    (a, b) => known[a]![0] - known[b]![0] || known[a]![1] - known[b]![1] || a - b,
  );
}

/** Stores names and places, one line of JSON each. */
export async function putNamedDocuments(
  store: ObjectStore,
  key: string,
  documents: readonly NamedDocument[],
): ReturnType<typeof putPart> {
  return putPart(store, key, new TextEncoder().encode(documents.map(lineOfDocument).join('')));
}

/** `["name", chunk, number]`, or the name alone. */
export function lineOfDocument({ name, place }: NamedDocument): string {
  return `${JSON.stringify(place === undefined ? name : [name, ...place])}\n`;
}

/** What a line says; undefined for one that is none. */
export function documentOfLine(line: string): NamedDocument | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (isName(value)) return { name: value };
    if (!Array.isArray(value) || value.length !== 3) return undefined;
    const [name, chunk, number] = value as unknown[];
    if (!isName(name) || !isCount(chunk) || !isCount(number)) return undefined;
    return { name, place: [chunk, number] };
  } catch {
    return undefined;
  }
}

function isName(value: unknown): value is string | null {
  return typeof value === 'string' || value === null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
