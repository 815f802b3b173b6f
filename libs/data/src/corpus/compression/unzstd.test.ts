import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { unzstd } from './unzstd.ts';

/**
 * By `zstd -19` from a pipe, then a frame to skip, then by `zstd -19` of a file, so that only the second frame says how long it is. Both have
 * checksums.
 */
const frames = await readFile(new URL('../../../test/golden/frames.txt.zst', import.meta.url));
const text = Array.from({ length: 600 }, (_, i) => `Sentence ${i ** 2} is ${i % 7} long.\n`).join('');
const skippable = Buffer.from('5a2a4d1803000000616263', 'hex');
const secondFrame = frames.indexOf(skippable) + skippable.length;

async function contentOf(bytes: Buffer, blockBytes = 1 << 16): Promise<string> {
  async function* blocks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += blockBytes)
      yield await Promise.resolve(bytes.subarray(at, at + blockBytes));
  }
  const content: Uint8Array[] = [];
  for await (const block of unzstd(blocks())) content.push(block);
  return Buffer.concat(content).toString('latin1');
}

/** A frame of raw blocks without a checksum. */
function rawFrame(content: string, saysBytes: number): Buffer {
  const head = Buffer.from('28b52ffd60', 'hex');
  const size = Buffer.alloc(2);
  size.writeUInt16LE(saysBytes - 256);
  const block = Buffer.alloc(3);
  block.writeUIntLE(content.length * 8 + 1, 0, 3);
  return Buffer.concat([head, size, block, Buffer.from(content)]);
}

describe('unzstd', () => {
  it.each([1, 7, 1 << 16])('reads all frames, in blocks of %d bytes', async (blockBytes) => {
    expect(await contentOf(frames, blockBytes)).toBe(text);
    expect(await contentOf(Buffer.concat([skippable, skippable]), blockBytes)).toBe('');
  });

  it('never takes a flipped bit for other text', async () => {
    const numPlaces = 200;
    let numRefused = 0;
    const otherText: string[] = [];
    for (let place = 0; place < numPlaces; place++) {
      const at = Math.floor((place * frames.length) / numPlaces);
      const damaged = Buffer.from(frames);
      damaged[at]! ^= 1 << (place % 8);
      const content = await contentOf(damaged).catch(() => undefined);
      if (content === undefined) numRefused += 1;
      // Some bits of a header only say how much memory it takes.
      else if (content !== text) otherText.push(`bit ${place % 8} of byte ${at}`);
    }
    expect(otherText).toEqual([]);
    expect(numRefused).toBeGreaterThanOrEqual(numPlaces - 2);
  });

  it('says that the checksum tells', async () => {
    const damaged = Buffer.from(frames);
    damaged[damaged.length - 1]! ^= 1;
    await expect(contentOf(damaged)).rejects.toThrow(
      'is damaged: the checksum of its content does not match, which shows after byte',
    );
  });

  it('refuses a file that is cut anywhere but between frames', async () => {
    const whole = new Set([secondFrame - skippable.length, secondFrame]);
    for (let length = 0; length < frames.length; length += length < 20 ? 1 : 13) {
      if (whole.has(length)) continue;
      await expect(contentOf(frames.subarray(0, length))).rejects.toThrow('it ends too early');
    }
  });

  it('compares the length that a frame says', async () => {
    const content = 'Raw. '.repeat(60);
    expect(await contentOf(rawFrame(content, 300))).toBe(content);
    await expect(contentOf(rawFrame(content, 301))).rejects.toThrow('not as long as it says');
  });

  it.each([
    ['other bytes', Buffer.from('Something else.\n'), /^is not zstd: /],
    ['other bytes after a frame', Buffer.concat([frames, Buffer.from('Else')]), /^is damaged: what follows/],
    ['a dictionary', Buffer.from('28b52ffd0100070100000000', 'hex'), /^needs a dictionary/],
    ['a window of 2 GiB', Buffer.from('28b52ffd00a8010000', 'hex'), /^looks back by 2147483648 bytes/],
    ['a block that is too long', Buffer.from('28b52ffd0050ffffff', 'hex'), /make no sense/],
  ])('refuses %s', async (_case, bytes, problem) => {
    await expect(contentOf(bytes)).rejects.toThrow(problem);
  });
});
