declare module 'unbzip2-stream/lib/bit_iterator.js' {
  /** Takes bits; `null` goes on to the next whole byte. */
  interface BitReader {
    (numBits: number | null): number;
    /** Bytes that bits were taken of. */
    bytesRead: number;
  }
  /** @param nextBytes - asked for when all before were read */
  export default function bitIterator(nextBytes: () => Uint8Array): BitReader;
}

declare module 'unbzip2-stream/lib/bzip2.js' {
  import type bitIterator from 'unbzip2-stream/lib/bit_iterator.js';
  type BitReader = ReturnType<typeof bitIterator>;
  interface Bzip2 {
    /** Reads the header of a member: blocks have at most so many times 100,000 bytes. */
    header(bits: BitReader): number;
    /**
     * Reads a block.
     * @param crc - of the blocks before it
     * @returns with it, or null at the end of the member
     */
    decompress(
      bits: BitReader,
      take: (byte: number) => void,
      work: Int32Array,
      workLength: number,
      crc: number,
    ): number | null;
  }
  const bzip2: Bzip2;
  export default bzip2;
}
