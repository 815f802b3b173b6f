import type { ExampleShard } from '@berth/contracts';
import { CounterRandom, randomDomains } from '../../random/counter-random.ts';
import type { RandomSource } from '../../random/random-source.ts';
import { hashBytes, type TokenDocuments } from '../../dataset/token-documents.ts';
import { chancesInOrder, type PairChances } from './segment-pairs.ts';

// Held-out examples are the same whatever the seed of the run, so that evaluations can be compared.
const heldOutSeed = 12_345;

/** Which examples are made, and what names their chances. */
export interface ExamplePlace {
  readonly split: ExampleShard['split'];
  readonly seed: number;
  readonly epoch: number;
  readonly shard: number;
  /** How many times the epoch has read the dataset shard before, which weights of parts may have it do. @defaultValue 0 */
  readonly timesRead?: number;
  /**
   * What names a document's chances. `place`: its shard and its number there. `content`: its hash, where the dataset has hashes, so
   * that they stay whatever becomes of others. @defaultValue place
   */
  readonly chancesBy?: 'place' | 'content';
}

/** The chances of the examples of a document. */
export interface DocumentChances extends PairChances {
  readonly masksOf: (example: number) => RandomSource;
}

/** Documents with what names the chances of their examples. */
export type PlacedDocuments = ExamplePlace & { readonly documents: TokenDocuments };

/** Whether chances go by the hashes of documents. */
export function goByContent({ chancesBy, documents }: PlacedDocuments): boolean {
  return chancesBy === 'content' && documents.hashes !== undefined;
}

export function chancesOfDocument(place: PlacedDocuments, document: number): DocumentChances {
  if (!goByContent(place)) {
    const stream = streamOf(place).child(document);
    return { ...chancesInOrder(stream), masksOf: (example) => stream.child(example) };
  }
  const stream = documentStream(place, document);
  return {
    own: stream,
    partnerOf: (pair) => stream.child(2 * pair),
    masksOf: (example) => stream.child(2 * example + 1),
  };
}

/** All chances of a document, by its hash. */
export function documentStream(place: PlacedDocuments, document: number): CounterRandom {
  const { hashes = new Uint8Array(0) } = place.documents;
  const hash = new DataView(hashes.buffer, hashes.byteOffset + document * hashBytes, hashBytes);
  let stream = epochStream(place).child(place.timesRead ?? 0);
  for (let byte = 0; byte < hashBytes; byte += 4) stream = stream.child(hash.getUint32(byte, true));
  return stream;
}

/** The chances of a shard's examples, by its number. */
export function streamOf(place: ExamplePlace): CounterRandom {
  return epochStream(place).child(place.shard);
}

function epochStream({ split, seed, epoch }: ExamplePlace): CounterRandom {
  return split === 'train'
    ? CounterRandom.of(seed, randomDomains.trainExamples, epoch)
    : CounterRandom.of(heldOutSeed, randomDomains.heldOutExamples, epoch);
}
