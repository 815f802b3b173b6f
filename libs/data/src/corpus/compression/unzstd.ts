import { createByteTaker } from '../byte-taker.ts';
import { damaged, damages, foreign, Unreadable } from './damage.ts';
import { isSkippable, readFrameHeader, zstdMagic, type FrameHeader } from './zstd-frame.ts';

/** What `zstd -d` reads without being asked to. */
const mostOfWindow = 1 << 27;
const mostOfBlock = 1 << 17;
const skippedBytes = 1 << 16;

type Need = (numBytes: number) => Promise<Buffer>;

/**
 * What bytes compressed with zstd hold, of all frames, a block at a time. Lengths and checksums are compared here, as fzstd compares none,
 * and the zstd of Node takes a file that is cut for whole and drops frames after the first.
 * @throws Unreadable
 */
export async function* unzstd(blocks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const taker = createByteTaker(blocks);
  const { default: createXxhash } = await import('xxhash-wasm');
  const xxhash = await createXxhash();
  const need: Need = async (numBytes) => {
    const bytes = await taker.take(numBytes);
    if (bytes === undefined) throw damaged(damages.end, taker.numTaken);
    return bytes;
  };
  for (let isBegun = false; ; isBegun = true) {
    const first = await taker.take(1);
    if (first === undefined && isBegun) return;
    if (first === undefined) throw damaged(damages.end);
    const magic = Buffer.concat([first, await need(3)]).readUInt32LE();
    if (isSkippable(magic)) await skip((await need(4)).readUInt32LE(), need);
    else if (magic !== zstdMagic) throw foreign('zstd', isBegun, taker.numTaken);
    else {
      const header = await readFrameHeader(need);
      const hash = xxhash.create64();
      let length = 0;
      try {
        for await (const content of contentOf(header, need)) {
          hash.update(content);
          length += content.length;
          yield content;
        }
      } catch (error) {
        // The library has errors of many kinds for bytes without sense.
        throw error instanceof Unreadable ? error : damaged(damages.data, taker.numTaken);
      }
      if (header.contentBytes !== undefined && header.contentBytes !== length)
        throw damaged(damages.length, taker.numTaken);
      if (header.hasChecksum) {
        const checksum = (await need(4)).readUInt32LE();
        if (BigInt.asUintN(32, hash.digest()) !== BigInt(checksum)) throw damaged(damages.checksum, taker.numTaken);
      }
    }
  }
}

async function skip(numBytes: number, need: Need): Promise<void> {
  for (let left = numBytes; left > 0; left -= skippedBytes)
    await need(Math.min(left, skippedBytes));
}

async function* contentOf(header: FrameHeader, need: Need): AsyncGenerator<Uint8Array> {
  if (header.dictionary !== 0)
    throw new Unreadable('needs a dictionary of zstd: compress it again without one');
  if (header.windowBytes > mostOfWindow)
    throw new Unreadable(
      `looks back by ${header.windowBytes} bytes, and at most ${mostOfWindow} are held: compress it again with --long=27 at most`,
    );
  const { Decompress } = await import('fzstd');
  let ready: Uint8Array[] = [];
  const decoder = new Decompress((bytes) => void ready.push(bytes));
  decoder.push(header.bytes);
  for (let isLast = false; !isLast; ) {
    const head = await need(3);
    const word = head.readUIntLE(0, 3);
    isLast = word % 2 === 1;
    const kind = (word >> 1) % 4;
    const numBytes = word >> 3;
    if (numBytes > mostOfBlock) throw damaged(damages.data);
    // A block of kind 1 is a byte that comes so many times.
    const body = await need(kind === 1 ? 1 : numBytes);
    decoder.push(Buffer.concat([head, body]), isLast);
    yield* ready;
    ready = [];
  }
}
