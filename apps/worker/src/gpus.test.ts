import { describe, expect, it } from 'vitest';
import { visibleGpus } from './gpus.ts';

const listing = '0, GPU-aa, NVIDIA H100 80GB HBM3\n1, GPU-bb, NVIDIA H100 80GB HBM3\n';
const uuids = (visible?: string): string[] => visibleGpus(listing, visible).map(({ uuid }) => uuid);

describe('visibleGpus', () => {
  it('reads the listing of nvidia-smi', () => {
    expect(visibleGpus(listing, undefined)).toEqual([
      { index: '0', uuid: 'GPU-aa', name: 'NVIDIA H100 80GB HBM3' },
      { index: '1', uuid: 'GPU-bb', name: 'NVIDIA H100 80GB HBM3' },
    ]);
    expect(visibleGpus('', undefined)).toEqual([]);
  });

  it('keeps to CUDA_VISIBLE_DEVICES, by index or UUID, in its order', () => {
    expect(uuids('1')).toEqual(['GPU-bb']);
    expect(uuids('GPU-bb,0')).toEqual(['GPU-bb', 'GPU-aa']);
    expect(uuids('-1')).toEqual([]);
    expect(uuids('')).toEqual([]);
  });
});
