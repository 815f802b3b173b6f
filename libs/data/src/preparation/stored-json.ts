import {
  BerthError,
  canonicalJson,
  isBerthError,
  readJson,
  type ObjectStore,
} from '@berth/contracts';

/** Any that is read with a schema; those of most entries are lists of a corpus's chunks. */
const maxJsonBytes = 64 * 2 ** 20;

/** What `readJson` reads with. */
type JsonSchema = Parameters<typeof readJson>[0];
type OutputOf<Schema extends JsonSchema> = Extract<
  ReturnType<typeof readJson<Schema>>,
  { readonly ok: true }
>['value'];

/** Stores a value. */
export async function putJson(store: ObjectStore, key: string, value: unknown): Promise<void> {
  await store.put(key, Buffer.from(canonicalJson(value)));
}

/** @throws BerthError `DATA_SHARD_CORRUPT` when the object is no such value, and what the store throws */
export async function getJson<Schema extends JsonSchema>(
  store: ObjectStore,
  schema: Schema,
  key: string,
): Promise<OutputOf<Schema>> {
  const bytes = await store.get(key, { maxBytes: maxJsonBytes });
  return parseJson(store, schema, key, Buffer.from(bytes).toString());
}

/** Undefined where the key holds nothing. @throws BerthError as `getJson` */
export async function findJson<Schema extends JsonSchema>(
  store: ObjectStore,
  schema: Schema,
  key: string,
): Promise<OutputOf<Schema> | undefined> {
  try {
    return await getJson(store, schema, key);
  } catch (error) {
    if (isBerthError(error) && error.code === 'STORE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** @throws BerthError `DATA_SHARD_CORRUPT` when this text of an object is no such value */
export function parseJson<Schema extends JsonSchema>(
  store: ObjectStore,
  schema: Schema,
  key: string,
  text: string,
): OutputOf<Schema> {
  const reading = readJson(schema, text);
  if (reading.ok) return reading.value;
  throw new BerthError(
    'DATA_SHARD_CORRUPT',
    `${key} in ${store.describe()} is damaged: ${reading.problem}; delete it and prepare the data again`,
    { details: { key } },
  );
}
