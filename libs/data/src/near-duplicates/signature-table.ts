import { compareHashes } from '../dataset/document-hash.ts';
import { hashBytes } from '../dataset/token-documents.ts';
import { fingerprintWords, type Bands } from './bands.ts';
import type { Signature } from './signer.ts';

/** The signatures of different documents, flat. */
export interface SignatureTable {
  readonly numDocuments: number;
  /** The side of the split and the part of the corpus that each is of, as a number. */
  readonly groups: Uint8Array;
  /** Of each document the hash of each band. */
  readonly bands: Uint32Array;
  readonly fingerprints: Uint32Array;
  readonly hashOf: (document: number) => Uint8Array;
  /** A hash table for as many documents; of no more use here once all are in. */
  readonly places: Places;
  /** Takes a document in, unless it is there already. @returns false where there is no room */
  readonly add: (hash: Uint8Array, group: number, signature: Signature) => boolean;
}

/** @param room - documents at most */
export function createSignatureTable(room: number, { numBands }: Bands): SignatureTable {
  const hashes = new Uint8Array(hashBytes * room);
  const groups = new Uint8Array(room);
  const bands = new Uint32Array(numBands * room);
  const fingerprints = new Uint32Array(fingerprintWords * room);
  const places = createPlaces(room);
  let numDocuments = 0;
  const hashOf = (document: number): Uint8Array =>
    hashes.subarray(hashBytes * document, hashBytes * (document + 1));
  return {
    get numDocuments() {
      return numDocuments;
    },
    groups,
    bands,
    fingerprints,
    hashOf,
    places,
    add(hash, group, signature) {
      const place = places.find(
        new DataView(hash.buffer, hash.byteOffset).getUint32(4, true),
        (known) => groups[known] === group && compareHashes(hashOf(known), hash) === 0,
      );
      if (places.at(place) !== undefined) return true;
      if (numDocuments === room) return false;
      hashes.set(hash, hashBytes * numDocuments);
      groups[numDocuments] = group;
      bands.set(signature.bands, numBands * numDocuments);
      fingerprints.set(signature.fingerprint, fingerprintWords * numDocuments);
      places.put(place, numDocuments);
      numDocuments += 1;
      return true;
    },
  };
}

/** A hash table of documents, with open addressing. */
export interface Places {
  /** The place of a document that is the one, or where it would be. */
  readonly find: (key: number, isIt: (document: number) => boolean) => number;
  readonly at: (place: number) => number | undefined;
  readonly put: (place: number, document: number) => void;
  readonly clear: () => void;
}

/** @param room - documents at most */
function createPlaces(room: number): Places {
  const numPlaces = 2 ** Math.ceil(Math.log2(1.5 * room + 1));
  const documents = new Uint32Array(numPlaces);
  const mask = numPlaces - 1;
  return {
    find(key, isIt) {
      let place = key & mask;
      for (; documents[place] !== 0 && !isIt(documents[place]! - 1);) place = (place + 1) & mask;
      return place;
    },
    at: (place) => (documents[place] === 0 ? undefined : documents[place]! - 1),
    put: (place, document) => void (documents[place] = document + 1),
    clear: () => void documents.fill(0),
  };
}
