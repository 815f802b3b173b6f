import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cpuFlags, isaLevel, xlaLevel, type IsaLevel } from './isa-levels.ts';

const avx2 = ['sse4_1', 'avx', 'avx2', 'fma'];
const avx512 = [...avx2, 'avx512f', 'avx512bw', 'avx512vl', 'avx512dq'];
const bf16 = [...avx512, 'avx512_vnni', 'avx512_bf16'];
const amx = [...bf16, 'avx512_fp16', 'avx_vnni', 'amx_tile', 'amx_int8', 'amx_bf16'];

describe('isaLevel', () => {
  it.each([
    [[], 'generic'],
    [['sse4_1'], 'sse41'],
    [avx2, 'avx2'],
    [avx512, 'avx512_core'],
    [bf16, 'avx512_core_bf16'],
    [amx, 'avx512_core_amx'],
    [[...amx, 'amx_fp16'], 'avx512_core_amx_fp16'],
  ])('is the highest level whose flags are all there: %j', (flags, expected) => {
    expect(isaLevel(new Set(flags))).toBe(expected);
  });

  it('does not skip a level that the processor lacks', () => {
    expect(isaLevel(new Set([...avx512, 'avx512_bf16']))).toBe('avx512_core');
  });

  it('stops at the limit, and ignores one above what the processor has', () => {
    expect(isaLevel(new Set(amx), 'AVX512_CORE')).toBe('avx512_core');
    expect(isaLevel(new Set(avx2), 'AVX512_CORE_AMX')).toBe('avx2');
    expect(isaLevel(new Set(amx), 'DEFAULT')).toBe('avx512_core_amx');
    expect(isaLevel(new Set(amx), '')).toBe('avx512_core_amx');
  });

  it('refuses a limit that it cannot name', () => {
    expect(() => isaLevel(new Set(amx), 'AVX2_VNNI')).toThrow(
      'ONEDNN_MAX_CPU_ISA is "AVX2_VNNI"; it is one of sse41, avx,',
    );
  });
});

describe('xlaLevel', () => {
  it('follows the level of oneDNN', () => {
    expect(xlaLevel(isaLevel(new Set(amx), 'avx2'))).toBe('AVX2');
    expect(xlaLevel(isaLevel(new Set(bf16)))).toBe('AVX512_BF16');
    expect(xlaLevel(isaLevel(new Set(amx)))).toBe('AMX');
    expect(xlaLevel(isaLevel(new Set()))).toBeUndefined();
  });
});

/** How oneDNN describes its levels in its verbose output. */
const descriptions: Record<IsaLevel, string> = {
  generic: 'Generic',
  sse41: 'Intel SSE4.1',
  avx: 'Intel AVX',
  avx2: 'Intel AVX2',
  avx512_core: 'Intel AVX-512 with AVX512BW, AVX512VL, and AVX512DQ extensions',
  avx512_core_vnni: 'Intel AVX-512 with Intel DL Boost',
  avx512_core_bf16: 'Intel AVX-512 with Intel DL Boost and bfloat16 support',
  avx512_core_fp16: 'Intel AVX-512 with float16, Intel DL Boost and bfloat16 support ',
  avx512_core_amx: 'Intel AVX-512 with float16, Intel DL Boost and bfloat16 support and Intel AMX',
  avx512_core_amx_fp16:
    'Intel AVX-512 with float16, Intel DL Boost and bfloat16 support and Intel AMX with bfloat16 and float16',
};

describe('a process with TensorFlow', () => {
  it.each([undefined, 'SSE41'])('runs oneDNN at the level and with the threads stated', (limit) => {
    const output = report({ numThreads: 3, device: 'cpu' }, limit);
    const isa = isaLevel(cpuFlags(), limit);
    expect(output).toContain(`kernels=${isa}`);
    expect(output).toContain(`isa:${descriptions[isa]}`);
    expect(output).toContain('runtime:threadpool,nthr:3');
  });

  it('keeps XLA to the level of oneDNN: below AVX2 it fuses no product into a sum', () => {
    expect(report({ numThreads: 1, device: 'cpu' }, 'AVX')).toContain('fused=false');
  });

  it('is not started with XLA flags of another', () => {
    const foreign = { XLA_FLAGS: '--xla_cpu_max_isa=AVX' };
    expect(() => report({ numThreads: 1, device: 'cpu' }, undefined, foreign)).toThrow(
      /XLA_FLAGS is "--xla_cpu_max_isa=AVX".*unset XLA_FLAGS/,
    );
  });
});

/** Output of a process that starts TensorFlow and multiplies, with oneDNN telling what it does. */
function report(
  options: object,
  limit: string | undefined,
  foreign: Readonly<Record<string, string>> = {},
): string {
  const script = fileURLToPath(new URL('../test/report.mjs', import.meta.url));
  const limited = limit === undefined ? {} : { ONEDNN_MAX_CPU_ISA: limit };
  const args = [script, JSON.stringify(options)];
  const env = { ...process.env, ONEDNN_VERBOSE: '1', ...limited, ...foreign };
  return execFileSync(process.execPath, args, { env, encoding: 'utf8', stdio: 'pipe' });
}
