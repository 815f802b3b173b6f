import type { RunRecord } from '@berth/contracts';

/** Weights that were seen at the end of configs/demo.yaml, and where. */
interface Seen {
  readonly where: string;
  /** Whether oneDNN's kernels of this name are to give the same bits. */
  readonly isOf: (kernels: string) => boolean;
  /** SHA-256 */
  readonly weights: string;
}

/** The TensorFlow that they were seen under. */
export const seenUnder = '2.21.0';
export const seenWeights: readonly Seen[] = [
  {
    where: 'an Intel Xeon with AVX-512 FP16',
    isOf: (kernels) => kernels === 'avx512_core_fp16',
    weights: 'f16d059537b8b6246ceb74dcae1fc6116b6258a3587f30c5c6268b0d74fbea48',
  },
];

/** Whether a demo ended with the weights that are expected of its kind of processor, in words. */
export function comparedWithSeen(
  numerics: RunRecord['numerics'],
  weights: string | null | undefined,
): string {
  const { device, kernels, tensorflow } = numerics ?? {};
  const seen = seenWeights.find(({ isOf }) => isOf(kernels ?? ''));
  if (seen === undefined || device !== 'cpu' || tensorflow !== seenUnder)
    return `not known for ${kernels ?? 'this device'} under TensorFlow ${tensorflow ?? 'of no name'}`;
  if (weights === seen.weights) return `equal, to the bit, to those of ${seen.where}`;
  return (
    `NOT those of ${seen.where} (${seen.weights.slice(0, 8)}): is configs/demo.yaml as it was, and does this Node ` +
    'split sentences as others do? Not every processor of its kind was tried'
  );
}
