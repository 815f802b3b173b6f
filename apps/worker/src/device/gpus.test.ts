import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { listGpus, visibleGpus } from './gpus.ts';

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

describe('listGpus', () => {
  it('tells a machine without a driver from one whose driver does not answer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-gpus-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    vi.stubEnv('PATH', folder);
    expect(await listGpus({})).toEqual([]);
    const answer = (script: string): void =>
      writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    answer('echo "No devices were found"; exit 6');
    expect(await listGpus({})).toEqual([]);
    answer('echo "Unable to determine the device handle" >&2; exit 9');
    await expect(listGpus({})).rejects.toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringMatching(/device handle.*BERTH_DEVICE=cpu/s) as string,
    });
  });
});
