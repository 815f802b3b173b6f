import { BerthError, silentLogger, toBerthError, type ObjectStore } from '@berth/contracts';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { manifestKey, placeOfKey } from '../keys.ts';
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
    const { remembered, held, asked } = await remember(store);
    const key = manifestKey(testLine, 6);
    const sound = held.get(key)!;
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const mutant = mutate(sound, list);
        held.set(key, mutant);
        expect(await newestStep(remembered)).toBe(mutant.equals(sound) ? 6 : 3);
      }),
      runs,
    );
    expect([...asked].filter((name) => !name.startsWith('runs/run/'))).toEqual([]);
  });

  it(`loads none of ${numRuns} mutated checkpoints, and the newest sound one instead`, async () => {
    const { store } = await startTestStore();
    const steps = [2, 4, 6, 8];
    for (const step of steps) await storeCheckpoint(store, step);
    const { remembered, held } = await remember(store);
    const sound = new Map(held);
    const keys = [...sound.keys()];
    const damage = fc.record({
      object: fc.nat(keys.length - 1),
      kind: fc.constantFrom('bytes', 'bytes', 'bytes', 'gone', 'empty', 'another'),
      other: fc.nat(keys.length - 1),
      list: changes,
    });
    let numLost = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (damages) => {
        for (const [key, bytes] of sound) held.set(key, bytes);
        for (const { object, kind, other, list } of damages) {
          const key = keys[object]!;
          if (kind === 'gone') held.delete(key);
          else if (kind === 'empty') held.set(key, Buffer.alloc(0));
          else if (kind === 'another') held.set(key, sound.get(keys[other]!)!);
          else held.set(key, mutate(sound.get(key)!, list));
        }
        const isSound = (step: number): boolean =>
          keys.every((key) => {
            const [bytes, before] = [held.get(key), sound.get(key)!];
            const isSame = bytes !== undefined && Buffer.from(before).equals(bytes);
            return isSame || placeOfKey('run', key)?.step !== step;
          });
        const expected = steps.findLast(isSound);
        if (expected !== 8) numLost++;
        const isLeft = keys.some((key) => placeOfKey('run', key)?.isManifest && held.has(key));
        expect(await newestStep(remembered)).toBe(
          expected ?? (isLeft ? 'CHECKPOINT_CORRUPT' : undefined),
        );
      }),
      runs,
    );
    expect(numLost).toBeGreaterThan(numRuns / 5);
  });
}

/** The objects of a store without a request for each: the decoders are what is tried. */
async function remember(store: ObjectStore): Promise<{
  readonly remembered: ObjectStore;
  readonly held: Map<string, Uint8Array>;
  readonly asked: ReadonlySet<string>;
}> {
  const held = new Map<string, Uint8Array>();
  const asked = new Set<string>();
  for (const { key } of await store.list('')) held.set(key, await store.get(key));
  const remembered: ObjectStore = {
    ...store,
    list: async (prefix) =>
      [...held].flatMap(([name, { length }]) =>
        name.startsWith(prefix) ? [{ key: name, sizeBytes: length, lastModifiedMs: 1 }] : [],
      ),
    async get(name) {
      asked.add(name);
      const bytes = held.get(name);
      if (bytes !== undefined) return bytes;
      throw new BerthError('STORE_NOT_FOUND', `there is no ${name}`);
    },
  };
  return { remembered, held, asked };
}

async function newestStep(store: ObjectStore): Promise<number | string | undefined> {
  try {
    return (await findNewestValid(store, 'run', options))?.manifest.step;
  } catch (error) {
    return toBerthError(error).code;
  }
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
