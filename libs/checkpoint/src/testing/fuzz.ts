import { silentLogger, toBerthError, type ObjectStore } from '@berth/contracts';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { manifestKey } from '../keys.ts';
import { decodeLedger, encodeLedger } from '../ledger-segment.ts';
import { findNewestValid } from '../read.ts';
import { decodeSafetensors, encodeSafetensors, floatTensor, floatsOf } from '../safetensors.ts';
import { ledgerUpTo, startTestStore, storeCheckpoint, testLayout, testLine } from './fixtures.ts';

const seed = 20261129;
const options = { layout: testLayout, logger: silentLogger };
const changes = fc.array(
  fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.nat(40), copies: fc.nat(40) }),
  { minLength: 1, maxLength: 4 },
);

/** Some bytes with others in their place, perhaps cut off or with a stretch of their own twice. */
function mutate(
  bytes: Uint8Array,
  list: typeof changes extends fc.Arbitrary<infer T> ? T : never,
): Buffer {
  let mutant = Buffer.from(bytes);
  for (const { at, to, cut, copies } of list) {
    if (mutant.length === 0) break;
    const index = at % mutant.length;
    mutant[index] = to;
    if (cut > 36) mutant = mutant.subarray(0, index);
    if (copies > 36) mutant = Buffer.concat([mutant, mutant.subarray(index)]);
  }
  return mutant;
}

/** What the bucket may hold instead of what was stored: everything is sound or damaged, and nothing else is asked for. */
export function describeDamage(numRuns: number): void {
  const runs = { numRuns, seed };

  it(`reads ${numRuns} mutated safetensors files, also out of a Buffer, or calls them corrupt`, () => {
    const file = encodeSafetensors([
      floatTensor('a', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
      floatTensor('b', [], Float32Array.of(7)),
    ]);
    fc.assert(
      fc.property(changes, fc.nat(7), (list, shift) => {
        const mutant = mutate(file, list);
        const shifted = Buffer.alloc(mutant.length + shift).subarray(shift);
        mutant.copy(shifted);
        const read = (): void => {
          for (const tensor of decodeSafetensors(shifted).tensors.values()) floatsOf(tensor);
        };
        expect([undefined, 'CHECKPOINT_CORRUPT']).toContain(codeOf(read));
      }),
      runs,
    );
  });

  it(`reads ${numRuns} headers of any JSON, or calls them corrupt`, () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(20), (value, numData) => {
        const header = Buffer.from(JSON.stringify({ a: value, b: [value] }));
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(header.length));
        const file = Buffer.concat([length, header, Buffer.alloc(numData)]);
        expect(() => decodeSafetensors(file)).toThrow(
          expect.objectContaining({ code: 'CHECKPOINT_CORRUPT' }),
        );
      }),
      runs,
    );
  });

  it(`reads ${numRuns} mutated ledgers, or calls them invalid`, async () => {
    const bytes = encodeLedger(ledgerUpTo(3));
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const read = async (): Promise<void> => {
          for await (const page of decodeLedger(mutate(bytes, list))) void page;
        };
        const code = await read().then(
          () => undefined,
          (error: unknown) => toBerthError(error).code,
        );
        expect([undefined, 'LEDGER_INVALID']).toContain(code);
      }),
      runs,
    );
  });

  it(`passes over ${numRuns} mutated manifests and asks for nothing outside the run`, async () => {
    const { store } = await startTestStore();
    await storeCheckpoint(store, 3);
    await storeCheckpoint(store, 6);
    const held = new Map<string, Uint8Array>();
    for (const { key } of await store.list('')) held.set(key, await store.get(key));
    const key = manifestKey(testLine, 6);
    const sound = held.get(key)!;
    let mutant: Uint8Array = sound;
    const asked = new Set<string>();
    // The same objects without a request for each: the decoders are what is tried.
    const remembered: ObjectStore = {
      ...store,
      list: async (prefix) =>
        [...held].flatMap(([name, { length }]) =>
          name.startsWith(prefix) ? [{ key: name, sizeBytes: length, lastModifiedMs: 1 }] : [],
        ),
      async get(name) {
        asked.add(name);
        const bytes = name === key ? mutant : held.get(name);
        return bytes ?? store.get(name);
      },
    };
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        mutant = mutate(sound, list);
        const step = await findNewestValid(remembered, 'run', options).then(
          (found) => found?.manifest.step,
          (error: unknown) => toBerthError(error).code,
        );
        expect([3, 6]).toContain(step);
      }),
      runs,
    );
    expect([...asked].filter((name) => !name.startsWith('runs/run/'))).toEqual([]);
  });
}

/** The code of what some work throws. */
function codeOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return toBerthError(error).code;
  }
}
