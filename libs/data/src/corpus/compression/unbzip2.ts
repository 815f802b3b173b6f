import { damaged, damages, foreign, Unreadable } from './damage.ts';

const headerBytes = 4;
/** More than a block, of which there are at most 900,000 bytes, takes where it does not become smaller. */
const mostOfBlock = 925_000;

/**
 * What bytes compressed with bzip2 hold, of all members, a block at a time. The library's own stream reads its last megabyte at once, which
 * may be a hundred of text.
 * @throws Unreadable, and what the library makes of bytes without sense
 */
export async function* unbzip2(blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { default: bzip2 } = await import('unbzip2-stream/lib/bzip2.js');
  const { default: createBits } = await import('unbzip2-stream/lib/bit_iterator.js');
  const ready: Uint8Array[] = [];
  let [numBytes, isAll] = [0, false];
  const source = blocks[Symbol.asyncIterator]();
  const fill = async (numWanted: number): Promise<void> => {
    while (!isAll && numBytes < numWanted) {
      const { value, done } = await source.next();
      isAll = done === true;
      if (value === undefined || value.length === 0) continue;
      ready.push(value);
      numBytes += value.length;
    }
  };
  await fill(mostOfBlock);
  const bits = createBits(() => {
    const next = ready.shift();
    if (next === undefined) throw damaged(damages.end, numBytes);
    return next;
  });
  const place = (): Place => ({ isBegun: bits.bytesRead > headerBytes, byte: bits.bytesRead });
  while (bits.bytesRead < numBytes) {
    const blockBytes = worded(() => 100_000 * bzip2.header(bits), place);
    const work = new Int32Array(blockBytes);
    for (let crc: number | null = 0; ; ) {
      await fill(bits.bytesRead + mostOfBlock);
      const content = createBytes();
      const before: number = crc;
      crc = worded(() => bzip2.decompress(bits, content.push, work, work.length, before), place);
      if (crc === null) break;
      yield content.all();
    }
    await fill(bits.bytesRead + mostOfBlock);
  }
}

interface Place {
  /** Whether it is behind the mark that the file begins with. */
  readonly isBegun: boolean;
  readonly byte: number;
}

/** Says what the library found in the words of the others. */
function worded<T>(read: () => T, place: () => Place): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    if (error instanceof Unreadable) throw error;
    const { isBegun, byte } = place();
    if (reason.includes('crc32')) throw damaged(damages.checksum, byte);
    if (/magic number|BZIP archive/.test(reason)) throw foreign('bzip2', isBegun, byte);
    throw damaged(damages.data, byte);
  }
}

/** Bytes that come one by one. */
function createBytes(): { readonly push: (byte: number) => void; readonly all: () => Uint8Array } {
  let bytes = new Uint8Array(1 << 20);
  let length = 0;
  return {
    push(byte) {
      if (length === bytes.length) {
        const larger = new Uint8Array(2 * length);
        larger.set(bytes);
        bytes = larger;
      }
      bytes[length++] = byte;
    },
    all: () => bytes.subarray(0, length),
  };
}
