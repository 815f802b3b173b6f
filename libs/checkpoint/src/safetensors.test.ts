import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { isBerthError } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import {
  decodeSafetensors,
  encodeSafetensors,
  floatsOf,
  floatTensor,
  type SafeTensor,
} from './safetensors.ts';

const corrupt = expect.objectContaining({ code: 'CHECKPOINT_CORRUPT' });

const tensor = fc
  .record({
    name: fc.string({ maxLength: 12 }),
    dtype: fc.constantFrom('F64', 'I64', 'F32', 'I32', 'F16', 'BF16', 'U8', 'BOOL'),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.nat(255),
  })
  .map(({ name, dtype, shape, seed }): SafeTensor => {
    const elementBytes = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, U8: 1, BOOL: 1 }[dtype];
    const length = shape.reduce((product, size) => product * size, elementBytes);
    return { name, dtype, shape, bytes: new Uint8Array(length).fill(seed) };
  });
const tensors = fc.uniqueArray(tensor, { maxLength: 6, selector: ({ name }) => name });

/** A file with this header and data. */
function fileOf(header: string, dataBytes: number): Uint8Array {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

describe('encodeSafetensors', () => {
  it('is read back as it was, for any tensors', () => {
    fc.assert(
      fc.property(tensors, (written) => {
        const { metadata, tensors: read } = decodeSafetensors(encodeSafetensors(written));
        expect(metadata).toEqual({ format: 'pt' });
        expect(read.size).toBe(written.length);
        for (const { name, dtype, shape, bytes } of written) {
          const copy = read.get(name);
          expect(copy).toMatchObject({ dtype, shape });
          expect(Buffer.compare(copy?.bytes ?? Buffer.alloc(0), bytes)).toBe(0);
        }
      }),
    );
  });

  it('orders tensors by element size, then name, and starts the data at a multiple of 8', () => {
    const small: SafeTensor = { name: 'a', dtype: 'U8', shape: [1], bytes: new Uint8Array([7]) };
    const file = encodeSafetensors(
      [small, floatTensor('c', [1], Float32Array.of(3)), floatTensor('b', [], Float32Array.of(2))],
      { step: '7' },
    );
    const header =
      '{"__metadata__":{"format":"pt","step":"7"},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
      '"c":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}';
    const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
    expect(
      Buffer.from(file)
        .toString('utf8', 8, 8 + headerBytes)
        .trimEnd(),
    ).toBe(header);
    expect((8 + headerBytes) % 8).toBe(0);
    expect([...file.subarray(8 + headerBytes)]).toEqual([0, 0, 0, 64, 0, 0, 64, 64, 7]);
  });

  it('refuses equal names', () => {
    const twice = floatTensor('a', [1], Float32Array.of(1));
    expect(() => encodeSafetensors([twice, twice])).toThrow('names must differ');
  });
});

describe('floatsOf', () => {
  it('is a view of the file where it is aligned, and a copy with equal elements where not', () => {
    const values = Float32Array.of(1.5, -2.25, 3e-40);
    const file = encodeSafetensors([floatTensor('a', [3], values)]);
    const aligned = new Uint8Array(file);
    const shifted = new Uint8Array(file.byteLength + 1).subarray(1);
    shifted.set(file);
    const [view, copy] = [aligned, shifted].map((bytes) => {
      const read = decodeSafetensors(bytes).tensors.get('a');
      return read && floatsOf(read);
    });
    expect(view).toEqual(values);
    expect(view?.buffer).toBe(aligned.buffer);
    expect(copy).toEqual(values);
  });

  it('copies what is not aligned out of a Buffer too, whose slices are views', () => {
    const values = Float64Array.of(1.5, -2.25);
    const bytes = Buffer.alloc(17).subarray(1);
    bytes.set(new Uint8Array(values.buffer));
    expect(floatsOf({ name: 'a', dtype: 'F64', shape: [2], bytes })).toEqual(values);
  });

  it('refuses other types', () => {
    const bytes = new Uint8Array(4);
    expect(() => floatsOf({ name: 'a', dtype: 'I32', shape: [1], bytes })).toThrow(corrupt);
  });
});

describe('decodeSafetensors', () => {
  const golden = new URL('../../model/test/golden/', import.meta.url);

  it.each([
    ['model-micro.safetensors', 'F32'],
    ['model-micro-grads.safetensors', 'F64'],
    ['trajectory-adamw.safetensors', 'F64'],
    ['trajectory-lamb.safetensors', 'F64'],
  ])('reads %s, written by the reference implementation', (name, dtype) => {
    const { tensors: read } = decodeSafetensors(readFileSync(new URL(name, golden)));
    const embeddings = read.get('bert.embeddings.word_embeddings.weight');
    expect(embeddings).toMatchObject({ dtype, shape: [97, 16] });
    for (const found of read.values()) {
      expect(floatsOf(found).every(Number.isFinite)).toBe(true);
    }
  });

  it('writes the F32 golden file again, byte for byte but for its padding', () => {
    const file = readFileSync(new URL('model-micro.safetensors', golden));
    const { metadata, tensors: read } = decodeSafetensors(file);
    const again = encodeSafetensors([...read.values()], metadata);
    expect(Buffer.compare(again, file)).toBe(0);
  });

  const range = (begin: number, end: number): string =>
    `{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`;
  it.each([
    ['shorter than its length', new Uint8Array(7)],
    ['a header longer than the file', fileOf('{}', 0).fill(255, 0, 1)],
    ['a header of more than all memory', fileOf('{}', 0).fill(255, 0, 8)],
    ['a header over its limit', fileOf(`{}${' '.repeat(2 ** 20)}`, 0)],
    ['a deep header', fileOf(`{"a":${'['.repeat(500_000)}${']'.repeat(500_000)}}`, 0)],
    ['no JSON', fileOf('{', 0)],
    ['an array', fileOf('[]', 0)],
    ['a leading space', fileOf(' {}', 0)],
    ['a trailing newline', fileOf('{}\n', 0)],
    ['bytes that are not UTF-8', fileOf('{"\u0001":1}', 0).fill(255, 10, 11)],
    ['a name twice', fileOf(`{"a":${range(0, 1)},"a":${range(0, 1)}}`, 1)],
    [
      'a field twice',
      fileOf('{"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1),
    ],
    ['metadata that is not text', fileOf('{"__metadata__":{"a":1}}', 0)],
    ['an unknown type', fileOf('{"a":{"dtype":"F8","shape":[],"data_offsets":[0,1]}}', 1)],
    ['a negative size', fileOf('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}', 1)],
    [
      'a size that overflows',
      fileOf(
        '{"a":{"dtype":"U8","shape":[9007199254740991,9007199254740991],"data_offsets":[0,1]}}',
        1,
      ),
    ],
    ['three offsets', fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1,1]}}', 1)],
    [
      'a range unlike its shape',
      fileOf('{"a":{"dtype":"F32","shape":[],"data_offsets":[0,1]}}', 1),
    ],
    ['a range past the end', fileOf(`{"a":${range(0, 2)}}`, 1)],
    ['a gap at the start', fileOf(`{"a":${range(1, 2)}}`, 2)],
    ['a gap between', fileOf(`{"a":${range(0, 1)},"b":${range(2, 3)}}`, 3)],
    ['an overlap', fileOf(`{"a":${range(0, 2)},"b":${range(1, 3)}}`, 3)],
    ['bytes behind the last tensor', fileOf(`{"a":${range(0, 1)}}`, 2)],
  ])('refuses %s', (_, file) => {
    expect(() => decodeSafetensors(file)).toThrow(corrupt);
  });

  it('takes tensors of no elements, and padding by spaces', () => {
    const file = fileOf(`{"b":${range(0, 2)},"a":${range(2, 2)},"c":${range(0, 0)}}  `, 2);
    expect([...decodeSafetensors(file).tensors.keys()].sort()).toEqual(['a', 'b', 'c']);
  });

  it('lets a header be longer the more tensors there should be', () => {
    const file = fileOf(`{}${' '.repeat(2 ** 20)}`, 0);
    expect(decodeSafetensors(file, 1).tensors.size).toBe(0);
  });

  it('of any mutated file gives tensors that tile its data, or CHECKPOINT_CORRUPT', () => {
    const mutation = fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.nat(20) });
    fc.assert(
      fc.property(
        tensors,
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        (written, changes) => {
          let file: Uint8Array = new Uint8Array(encodeSafetensors(written));
          for (const { at, to, cut } of changes) {
            file[at % file.length] = to;
            if (cut > 17) file = file.subarray(0, file.length - (cut - 17));
          }
          const total = totalBytes(file);
          expect(total === 'CHECKPOINT_CORRUPT' || total === file.byteLength).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  /** Bytes of a file's length, header and tensors, or the code of its refusal. */
  function totalBytes(file: Uint8Array): number | string {
    try {
      const read = decodeSafetensors(file);
      const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
      let total = 8 + headerBytes;
      for (const { bytes } of read.tensors.values()) total += bytes.byteLength;
      return total;
    } catch (error) {
      if (isBerthError(error)) return error.code;
      throw error;
    }
  }
});
