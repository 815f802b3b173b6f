import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { roundToBf16 } from '@berth/contracts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadAddon } from '../native/addon.ts';
import { PeerMemory } from '../native/peer-memory.ts';
import { SharedPages } from '../native/shared-pages.ts';
import { randomRanks } from '../testing/local-mesh.ts';
import { createMemory, pageBytes } from '../wasm/kernels.ts';
import { canonicalAdditions, sumContributions } from './blocks.ts';
import { type ChunkKernels, nativeKernels, wasmKernels } from './chunk-kernels.ts';
import { addToDigest } from './digest.ts';
import { elementBytes } from './dtype.ts';
import { payloadSums } from './payload-sums.ts';
import type { Chunk } from './plan.ts';
import { ReduceMemory } from './reduce-memory.ts';

const addon = loadAddon();
if (typeof addon === 'string') throw new Error(addon);
const areaBytes = 4 * pageBytes;
const numRanks = 4;

/** Memory that this process shares with itself, as if it were a peer. */
function share(): { memory: ReturnType<typeof createMemory>; peer: PeerMemory } {
  const memory = createMemory();
  memory.grow((numRanks + 1) * (areaBytes / pageBytes));
  const pages = new SharedPages(addon as Exclude<typeof addon, string>);
  pages.grow(new Uint8Array(memory.buffer), 0);
  const peer = new PeerMemory(
    addon as Exclude<typeof addon, string>,
    pages.place(memory.buffer.byteLength),
  );
  onTestFinished(() => {
    peer.close();
    pages.close();
  });
  return { memory, peer };
}

const sets = ['sse', 'avx2', 'avx512'].filter((name) => addon.chooseKernels(name) !== undefined);
const kernelsOf = (name: string, memory: ReturnType<typeof createMemory>): ChunkKernels => {
  if (name === 'wasm') return wasmKernels(memory, 0);
  expect(addon.chooseKernels(name)).toBe(name);
  return nativeKernels(addon, memory);
};

const chunkOf = (dtype: Chunk['dtype'], length: number, start: number): Chunk => ({
  dtype,
  start,
  length,
  byteOffset: start * elementBytes[dtype],
  byteLength: length * elementBytes[dtype],
});

/** Lengths in words: of no whole unit, of some, of more than is gone through at a time, and of those with a tail. */
const lengths = [2, 16, 50, 2048, 9_002];
const wordsAt = (memory: { buffer: SharedArrayBuffer }, address: number, length: number) =>
  new Uint32Array(memory.buffer, address, length);

describe.each(['wasm', ...sets])('kernels of %s', (name) => {
  it.each(lengths)('give %i words the sums and the digest of the definition', (length) => {
    const { memory } = share();
    const words = wordsAt(memory, areaBytes, length);
    words.set(
      new Uint32Array(randomBytes(4 * length).buffer.slice(0, 4 * length)).subarray(0, length),
    );
    const chunk = chunkOf('fp32', length, 1_000_000);
    const kernels = kernelsOf(name, memory);
    expect(kernels.payloadSums(areaBytes, chunk)).toEqual(payloadSums(words.slice()));
    const digest = new Uint32Array(2);
    addToDigest(digest, new Float32Array(words.slice().buffer), chunk.start);
    expect(kernels.digest(areaBytes, chunk)).toEqual([...digest]);
  });

  it.each(lengths)('sum %i words of fp32 and of bf16 as the tree does', (length) => {
    for (const dtype of ['fp32', 'bf16'] as const)
      for (const isForeign of name === 'wasm' ? [false] : [false, true]) {
        const { memory, peer } = share();
        const chunk = chunkOf(dtype, (4 * length) / elementBytes[dtype], 640);
        const ranks = randomRanks(numRanks, chunk.length, length);
        if (dtype === 'bf16') for (const rank of ranks) rank.set(rank.map(roundToBf16));
        const blocks = ranks.map((_, start) => ({ start, length: 1 }));
        const bytesOf = (vector: Float32Array): Uint8Array =>
          dtype === 'fp32'
            ? new Uint8Array(vector.buffer)
            : new Uint8Array(
                Uint16Array.from(new Uint32Array(vector.buffer), (bits) => bits >>> 16).buffer,
              );
        const sources = ranks.map((rank, position) => {
          const address = (position + 1) * areaBytes;
          new Uint8Array(memory.buffer).set(bytesOf(rank), address);
          return { address, peer: isForeign && position > 0 ? peer : undefined };
        });
        const sent = sources.map(({ address }) =>
          payloadSums(wordsAt(memory, address, length).slice()),
        );
        const target = areaBytes;
        const { digest, ofPeers } = kernelsOf(name, memory).sum(
          target,
          chunk,
          sources,
          canonicalAdditions(blocks),
        );
        const expected = bytesOf(
          sumContributions(
            ranks.map((data, start) => ({ block: { start, length: 1 }, data })),
            { dtype },
          ),
        );
        const got = new Uint8Array(memory.buffer, target, chunk.byteLength).slice();
        expect(Buffer.compare(got, expected)).toBe(0);
        const dueDigest = new Uint32Array(2);
        addToDigest(dueDigest, new Float32Array(got.buffer), chunk.byteOffset / 4);
        expect(digest).toEqual([...dueDigest]);
        const due = sent.map((sums, position) => (sources[position]!.peer ? sums : undefined));
        expect(ofPeers).toEqual(due);
      }
  });
});

describe.each(sets)('kernels of %s', (name) => {
  it.each(lengths)('take %i words from a peer, and say what they took', (length) => {
    const from = share();
    const to = share();
    const words = wordsAt(from.memory, areaBytes, length);
    for (const at of words.keys()) words[at] = Math.imul(at + 1, 0x9e37_79b1);
    const chunk = chunkOf('fp32', length, 7_000_000);
    const taken = kernelsOf(name, to.memory).take(areaBytes, chunk, from.peer);
    expect(wordsAt(to.memory, areaBytes, length + 1).slice()).toEqual(Uint32Array.of(...words, 0));
    const digest = new Uint32Array(2);
    addToDigest(digest, new Float32Array(words.slice().buffer), chunk.start);
    expect(taken).toEqual([...digest]);
  });
});

it('are those of WebAssembly where there is no addon, and nothing is shared then', () => {
  const memory = new ReduceMemory({ addon: 'there is none' });
  expect(memory.place).toBe('there is none');
  expect(() => memory.openPeer({ pid: 1, file: 1, numBytes: 1, token: '' }, 0)).toThrow(
    'there is none',
  );
});

describe('memory of a peer', () => {
  const places = (): { place: ReturnType<SharedPages['place']>; pages: SharedPages } => {
    const pages = new SharedPages(addon);
    const memory = createMemory();
    pages.grow(new Uint8Array(memory.buffer), 0);
    return { pages, place: pages.place(pageBytes) };
  };

  it('is not found where its numbers lead to something else', () => {
    const [own, other] = [places(), places()];
    const open = (place: ReturnType<SharedPages['place']>): PeerMemory =>
      new PeerMemory(addon, place);
    expect(() => open({ ...own.place, file: other.place.file })).toThrow('of another member');
    expect(() => open({ ...own.place, file: 0 })).toThrow('is no member');
    expect(() => open({ ...own.place, numBytes: 2 * pageBytes })).toThrow('shorter than it said');
    expect(() => open({ ...own.place, pid: 2 ** 30 })).toThrow('ENOENT');
    for (const { pages } of [own, other]) pages.close();
    expect(() => open(own.place)).toThrow('ENOENT');
  });

  it('stays when its member has let go of it, and is read by nobody who has', () => {
    const { pages, place } = places();
    const peer = new PeerMemory(addon, place);
    pages.close();
    const token = Buffer.from(place.token, 'hex');
    expect(addon.startsWith(peer.handle, token)).toBe(true);
    peer.close();
    expect(() => addon.startsWith(peer.handle, token)).toThrow('outside of the memory');
  });

  it('is nothing but what the addon has made', () => {
    const file = addon.createFile();
    expect(() => addon.mapFile(file, pageBytes)).toThrow('shorter');
    closeSync(file);
    expect(() => addon.startsWith({} as PeerMemory['handle'], new Uint8Array(1))).toThrow(
      'no memory of a peer',
    );
  });
});
