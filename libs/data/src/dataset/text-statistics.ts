import {
  BerthError,
  canonicalJson,
  readJson,
  tokenCountsSchema,
  type DatasetManifest,
  type ObjectStore,
} from '@berth/contracts';
import { parseVocabulary } from '../text/vocabulary.ts';
import { getPart } from './stored-part.ts';

/** What predictors need that know no more of a text than how often each token occurs. */
export interface TextStatistics {
  /** Of each entry of the vocabulary, in the training documents. */
  readonly tokenCounts: readonly number[];
  readonly maskId: number;
}

export function serializeTokenCounts(tokenCounts: ArrayLike<number>): Uint8Array {
  return new TextEncoder().encode(canonicalJson(Array.from(tokenCounts)));
}

/**
 * Those of a dataset; undefined for one that an older release made.
 * @throws BerthError `DATA_SHARD_CORRUPT` when a part of the dataset does not verify, and what the store throws
 */
export async function readTextStatistics(
  store: ObjectStore,
  { vocabulary, tokenCounts: part }: Pick<DatasetManifest, 'vocabulary' | 'tokenCounts'>,
): Promise<TextStatistics | undefined> {
  if (part === undefined) return undefined;
  const reading = readJson(tokenCountsSchema, new TextDecoder().decode(await getPart(store, part)));
  if (!reading.ok || reading.value.length !== vocabulary.numTokens)
    throw new BerthError(
      'DATA_SHARD_CORRUPT',
      `${part.key} holds no counts of ${vocabulary.numTokens} tokens; prepare the dataset again`,
    );
  const { maskId } = parseVocabulary(await getPart(store, vocabulary), vocabulary.key);
  return { tokenCounts: reading.value, maskId };
}
