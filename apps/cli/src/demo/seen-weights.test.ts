import { expect, it } from 'vitest';
import { comparedWithSeen, seenUnder, seenWeights } from './seen-weights.ts';

const kernels = 'avx512_core_fp16';
const numerics = { tensorflow: seenUnder, device: 'cpu', kernels, numThreads: 1 };
const seen = seenWeights.find(({ isOf }) => isOf(kernels))!;

it('says whether weights are those of the same kind of processor', () => {
  expect(comparedWithSeen(numerics, seen.weights)).toMatch(/^equal, to the bit, .* AVX-512/);
  expect(comparedWithSeen(numerics, '0'.repeat(64))).toMatch(/^NOT those of .* AVX-512/);
});

it('promises nothing for what was not tried', () => {
  const none = (change: object): string =>
    comparedWithSeen({ ...numerics, ...change }, seen.weights);
  expect(none({ device: 'cuda', kernels: 'H100' })).toMatch(/^not known for H100/);
  expect(none({ kernels: 'avx2' })).toMatch(/^not known for avx2/);
  expect(none({ tensorflow: '2.20.0' })).toMatch(/^not known for .* under TensorFlow 2.20.0/);
  expect(comparedWithSeen(null, null)).toMatch(/^not known for this device/);
});

it('has SHA-256 digests', () => {
  for (const { weights } of seenWeights) expect(weights).toMatch(/^[0-9a-f]{64}$/);
});
