/** Most documents of a dataset that is taken in: each takes sixteen bytes of memory meanwhile. */
export const maxDocuments = 2 ** 24;

/** Remembers hashes of 16 bytes by 8 bytes that are made of them: of millions two that differ are not taken for one. */
export interface HashTable {
  /** @param of - of what it is the hash: those of different things are not compared. @returns false when it is there already */
  add(hash: Uint32Array, of: number): boolean;
  has(hash: Uint32Array, of: number): boolean;
}

/** @param numHashes - at most */
export function createHashTable(numHashes: number): HashTable {
  const numSlots = 2 ** Math.ceil(Math.log2(2 * numHashes + 1));
  const slots = new Uint32Array(2 * numSlots);
  const find = (first: number, second: number): number => {
    for (let slot = first & (numSlots - 1); ; slot = (slot + 1) & (numSlots - 1)) {
      const [a, b] = [slots[2 * slot]!, slots[2 * slot + 1]!];
      if ((a === first && b === second) || (a | b) === 0) return slot;
    }
  };
  const slotOf = (
    hash: Uint32Array,
    of: number,
  ): { slot: number; first: number; second: number } => {
    const first = mixed(hash, of);
    // Never both zero, which marks an empty slot.
    const second = (mixed(hash, of ^ 0x5bd1_e995) | 1) >>> 0;
    return { slot: find(first, second), first, second };
  };
  return {
    add(hash, of) {
      const { slot, first, second } = slotOf(hash, of);
      if (slots[2 * slot + 1] !== 0) return false;
      slots[2 * slot] = first;
      slots[2 * slot + 1] = second;
      return true;
    },
    has(hash, of) {
      return slots[2 * slotOf(hash, of).slot + 1] !== 0;
    },
  };
}

/** MurmurHash3 of four words, unsigned. */
function mixed(words: Uint32Array, seed: number): number {
  let hash = seed;
  for (let index = 0; index < 4; index++) {
    let word = Math.imul(words[index]!, 0xcc9e_2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b87_3593);
    hash ^= word;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe654_6b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
