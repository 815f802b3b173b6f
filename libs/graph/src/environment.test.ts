import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tensorFlowEnvironment } from './environment.ts';

describe('tensorFlowEnvironment', () => {
  it('pins what the bits depend on', () => {
    expect(tensorFlowEnvironment({ numThreads: 4 })).toMatchObject({
      TF_NUM_INTRAOP_THREADS: '4',
      TF_DETERMINISTIC_OPS: '1',
      TF_ENABLE_ONEDNN_OPTS: '1',
      NVIDIA_TF32_OVERRIDE: '0',
    });
  });

  it('hides GPUs only for the CPU', () => {
    expect(tensorFlowEnvironment({ numThreads: 1 })).not.toHaveProperty('CUDA_VISIBLE_DEVICES');
    expect(tensorFlowEnvironment({ numThreads: 1, device: 'cpu' })).toHaveProperty(
      'CUDA_VISIBLE_DEVICES',
      '-1',
    );
  });

  afterEach(() => vi.unstubAllEnvs());

  it.each([
    ['XLA_FLAGS', '--xla_cpu_max_isa=SSE4_2 --xla_cpu_enable_fast_math=true'],
    ['TF_XLA_FLAGS', '--tf_xla_auto_jit=2'],
    ['DNNL_MAX_CPU_ISA', 'AVX'],
  ])('refuses %s of another', (name, value) => {
    vi.stubEnv(name, value);
    expect(() => tensorFlowEnvironment({ numThreads: 1 })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(
          new RegExp(`^${name} is "${value}".*unset ${name}`),
        ) as string,
      }),
    );
  });

  it('keeps machine code apart by what decides it', () => {
    vi.stubEnv('BERTH_XLA_CACHE', '/cache');
    const folderOf = (numThreads: number): string | undefined =>
      tensorFlowEnvironment({ numThreads })['TF_XLA_FLAGS'];
    const folders = [folderOf(1), folderOf(2)];
    vi.stubEnv('ONEDNN_MAX_CPU_ISA', 'SSE41');
    folders.push(folderOf(1));
    expect(new Set(folders).size).toBe(3);
    for (const flags of folders)
      expect(flags).toMatch(/^--tf_xla_persistent_cache_directory=\/cache\/[a-z0-9_]+-[12]-/);
    vi.stubEnv('BERTH_XLA_CACHE', '');
    expect(folderOf(1)).toBeUndefined();
  });

  it.each(['', '/cache'])('takes what it has set itself, and what is empty', (cache) => {
    vi.stubEnv('BERTH_XLA_CACHE', cache);
    vi.stubEnv('TF_XLA_FLAGS', '');
    for (const [name, value] of Object.entries(tensorFlowEnvironment({ numThreads: 1 })))
      vi.stubEnv(name, value);
    expect(() => tensorFlowEnvironment({ numThreads: 1 })).not.toThrow();
  });
});

describe('worker threads', () => {
  it('compute at the same time, each with tensors of its own', () => {
    const [twos, threes] = squareInTwoThreads();
    expect(twos).toEqual(Array.from({ length: 50 }, () => 256 ** 3 * 2 ** 2));
    expect(threes).toEqual(Array.from({ length: 50 }, () => 256 ** 3 * 3 ** 2));
  });

  it('are refused in a process that was not prepared', () => {
    for (const result of squareInTwoThreads('unprepared')) {
      expect(result).toMatchObject({
        code: 'RUNTIME_UNAVAILABLE',
        message: expect.stringContaining('tensorFlowEnvironment(options)') as string,
      });
    }
  });
});

/** Runs the compiled package: a thread of Node 20 cannot load TypeScript. */
function squareInTwoThreads(...args: string[]): unknown[] {
  const script = fileURLToPath(new URL('../test/two-threads.mjs', import.meta.url));
  const output = execFileSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  return JSON.parse(output) as unknown[];
}
