import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { openVectors } from './vectors-file.ts';

const noPrint = (): void => undefined;

it('writes the format of NumPy', async () => {
  const { path: folder } = await temporaryFolder();
  const path = join(folder, 'v.npy');
  const vectors = await openVectors(path, noPrint);
  await vectors.add('a', [1, 2, 3]);
  await vectors.add('b', [4, 5, 6]);
  expect(existsSync(path)).toBe(false);
  await vectors.close();
  const bytes = readFileSync(path);
  const header = bytes.subarray(10, 128).toString();
  expect(bytes.readUInt16LE(8)).toBe(118);
  expect(header).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/);
  expect(new Float32Array(new Uint8Array(bytes.subarray(128)).buffer)).toEqual(
    Float32Array.of(1, 2, 3, 4, 5, 6),
  );
});

it('leaves what had the name where it is not finished', async () => {
  const { path: folder } = await temporaryFolder();
  const path = join(folder, 'v.jsonl');
  writeFileSync(path, 'before');
  const vectors = await openVectors(path, noPrint);
  await vectors.add('a', [1]);
  await vectors.discard();
  expect(readFileSync(path, 'utf8')).toBe('before');
  expect(readdirSync(folder)).toEqual(['v.jsonl']);
});
