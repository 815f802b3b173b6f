import { compareHashes } from '../dataset/document-hash.ts';
import type { Work } from '../text/work.ts';
import { fingerprintWords, leastAgreeing, numHashes, type Bands } from './bands.ts';
import type { SignatureTable } from './signature-table.ts';

export interface FindOptions {
  readonly bands: Bands;
  readonly threshold: number;
  /** The group that is held out: its documents are compared with those of all others, and come before them. */
  readonly heldOutGroup: number;
  /** Comes before all others. */
  readonly firstHash?: Uint8Array | undefined;
  /** Told what share of the work is done. */
  readonly onShare?: ((share: number) => void) | undefined;
}

/** Documents with the same band that one is compared with, at most: as many may have it by chance, in text from one mould. */
const maxComparedOfBand = 1_000;
const numAtOnce = 256;

/**
 * Which documents are left out. Each in turn stays unless one that stays is as similar by estimate, of those that have a band in common
 * with it. So no document that is left out has a say in whether another is. The turn follows from hashes alone. Uses up the bands.
 * @returns 1 for each document that is left out
 */
export function* findNearDuplicates(table: SignatureTable, options: FindOptions): Work<Uint8Array> {
  const { threshold, heldOutGroup, onShare = () => undefined } = options;
  const { numBands } = options.bands;
  const { numDocuments, groups, bands: links } = table;
  const order = yield* orderOf(table, options);
  const column = new Uint32Array(numDocuments);
  for (let band = 0; band < numBands; band++) {
    yield* linkBand(table, { order, column }, numBands, band);
    onShare((0.5 * (band + 1)) / numBands);
  }
  const isOut = new Uint8Array(numDocuments);
  const maxDiffering = numHashes - leastAgreeing(threshold);
  const isNear = (a: number, b: number): boolean =>
    numDifferingHashes(table.fingerprints, [a, b], maxDiffering) <= maxDiffering;
  const isDuplicate = (document: number): boolean => {
    const first = document * numBands;
    const group = groups[document];
    for (let at = first; at < first + numBands; at++) {
      let other = links[at]!;
      for (let num = 0; other !== 0 && num < maxComparedOfBand; num++) {
        const otherGroup = groups[other - 1];
        const areRivals =
          otherGroup === group || otherGroup === heldOutGroup || group === heldOutGroup;
        if (areRivals && isNear(document, other - 1)) return true;
        other = links[(other - 1) * numBands + at - first]!;
      }
    }
    return false;
  };
  for (let turn = 0; turn < numDocuments; turn++) {
    const document = order[turn]!;
    // Links lead to documents that stay: those of one that does not do so by now.
    for (let band = 0; band < numBands; band++) {
      const before = links[document * numBands + band]!;
      if (before !== 0 && isOut[before - 1] === 1)
        links[document * numBands + band] = links[(before - 1) * numBands + band]!;
    }
    if (isDuplicate(document)) isOut[document] = 1;
    if (turn % 16 !== 0) continue;
    onShare(0.5 + (0.5 * turn) / numDocuments);
    yield;
  }
  return isOut;
}

/** Puts in the place of a band's hash the number of the document before that has the same, and 1; 0 where there is none. */
function* linkBand(
  { numDocuments, bands, places }: SignatureTable,
  { order, column }: Record<'order' | 'column', Uint32Array>,
  numBands: number,
  band: number,
): Work<void> {
  for (let document = 0; document < numDocuments; document++)
    column[document] = bands[document * numBands + band]!;
  places.clear();
  yield;
  for (let turn = 0; turn < numDocuments; turn++) {
    const document = order[turn]!;
    const key = column[document]!;
    const place = places.find(key, (other) => column[other] === key);
    bands[document * numBands + band] = (places.at(place) ?? -1) + 1;
    places.put(place, document);
    if (turn % numAtOnce === 0) yield;
  }
}

const numBuckets = 2 ** 12;

/**
 * The turn of each document: the first, then those held out, then all others, each by the later bytes of their hash. By its first bytes
 * the last shards would be thinned out most.
 */
function* orderOf(
  { numDocuments, groups, hashOf }: SignatureTable,
  { heldOutGroup, firstHash }: FindOptions,
): Work<Uint32Array> {
  const bucketOf = (document: number): number => {
    const hash = hashOf(document);
    const isFirst = firstHash !== undefined && compareHashes(hash, firstHash) === 0;
    const rank = isFirst ? 0 : groups[document] === heldOutGroup ? 1 : 2;
    return rank * numBuckets + ((hash[4]! << 4) | (hash[5]! >> 4));
  };
  const ends = new Uint32Array(3 * numBuckets + 1);
  for (let document = 0; document < numDocuments; document++) {
    ends[bucketOf(document) + 1]! += 1;
    if (document % numAtOnce === 0) yield;
  }
  for (let bucket = 0; bucket < 3 * numBuckets; bucket++) ends[bucket + 1]! += ends[bucket]!;
  const next = ends.slice();
  const order = new Uint32Array(numDocuments);
  for (let document = 0; document < numDocuments; document++) {
    const bucket = bucketOf(document);
    order[next[bucket]!] = document;
    next[bucket]! += 1;
    if (document % numAtOnce === 0) yield;
  }
  const compare = (a: number, b: number): number => {
    const [ofA, ofB] = [hashOf(a), hashOf(b)];
    return (
      compareHashes(ofA.subarray(4), ofB.subarray(4)) ||
      compareHashes(ofA, ofB) ||
      groups[a]! - groups[b]!
    );
  };
  for (let bucket = 0; bucket < 3 * numBuckets; bucket++) {
    order.subarray(ends[bucket], ends[bucket + 1]).sort(compare);
    yield;
  }
  return order;
}

/** In how many min-hashes two fingerprints differ; above `enough` perhaps in more. */
export function numDifferingHashes(
  fingerprints: Uint32Array,
  [a, b]: readonly [number, number],
  enough = numHashes,
): number {
  let numDiffering = 0;
  for (let word = 0; word < fingerprintWords; word++) {
    let bits =
      fingerprints[a * fingerprintWords + word]! ^ fingerprints[b * fingerprintWords + word]!;
    bits |= bits >>> 2;
    bits |= bits >>> 1;
    numDiffering += Math.imul(bits & 0x1111_1111, 0x1111_1111) >>> 28;
    if (numDiffering > enough) break;
  }
  return numDiffering;
}
