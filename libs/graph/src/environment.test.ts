import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { tensorFlowEnvironment, type TensorFlowOptions } from './environment.ts';

describe('tensorFlowEnvironment', () => {
  it('pins what the bits depend on', () => {
    expect(tensorFlowEnvironment({ numThreads: 4 })).toMatchObject({
      TF_NUM_INTRAOP_THREADS: '4',
      TF_DETERMINISTIC_OPS: '1',
      TF_ENABLE_ONEDNN_OPTS: '1',
      NVIDIA_TF32_OVERRIDE: '0',
    });
  });

  it('rounds to TF32 only where that is asked for', () => {
    expect(tensorFlowEnvironment({ numThreads: 1, tf32: false })['NVIDIA_TF32_OVERRIDE']).toBe('0');
    expect(tensorFlowEnvironment({ numThreads: 1, tf32: true })['NVIDIA_TF32_OVERRIDE']).toBe('1');
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

  it('keeps machine code apart by what decides it, in a folder of the process', () => {
    const cache = mkdtempSync(join(tmpdir(), 'berth-code-'));
    onTestFinished(() => rmSync(cache, { recursive: true }));
    vi.stubEnv('BERTH_XLA_CACHE', cache);
    const flagsOf = (options: TensorFlowOptions): string =>
      tensorFlowEnvironment(options)['TF_XLA_FLAGS'] ?? '';
    const found = [flagsOf({ numThreads: 1 }), flagsOf({ numThreads: 2 })];
    vi.stubEnv('ONEDNN_MAX_CPU_ISA', 'SSE41');
    found.push(flagsOf({ numThreads: 1 }));
    const folders = found.map((flags) => {
      const pattern = /^--tf_xla_persistent_cache_directory=(\S+)\/process-\d+-[0-9a-f]+ --tf_/;
      return pattern.exec(flags)?.[1];
    });
    expect(new Set(folders).size).toBe(3);
    for (const folder of folders) expect(folder).toMatch(/\/[a-z0-9_]+-[12]-[0-9a-f]{16}$/);
    expect(flagsOf({ numThreads: 1, device: 'gpu' })).toBe('');
    vi.stubEnv('BERTH_XLA_CACHE', 'off');
    expect(flagsOf({ numThreads: 1 })).toBe('');
  });

  it.each([
    ['a b', 'has a space'],
    ['file/x', 'ENOTDIR'],
  ])('starts without machine code that %s cannot keep, and says so', (name, why) => {
    const cache = mkdtempSync(join(tmpdir(), 'berth-code-'));
    onTestFinished(() => rmSync(cache, { recursive: true }));
    writeFileSync(join(cache, 'file'), '');
    vi.stubEnv('BERTH_XLA_CACHE', join(cache, name));
    const warn = vi.fn<(message: string) => void>();
    const options = { numThreads: 1, logger: { warn } };
    expect(tensorFlowEnvironment(options)['TF_XLA_FLAGS']).toBe('');
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(why));
  });

  it.each([true, false])('takes what it or its parent has set, and what is empty', (isKept) => {
    vi.stubEnv('TF_XLA_FLAGS', '');
    for (const [name, value] of Object.entries(tensorFlowEnvironment({ numThreads: 1 })))
      vi.stubEnv(name, value);
    if (!isKept) vi.stubEnv('BERTH_XLA_CACHE', 'off');
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
