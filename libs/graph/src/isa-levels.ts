import { readFileSync } from 'node:fs';
import { BerthError } from '@berth/contracts';

/**
 * The instruction set levels on x86 that oneDNN knows, lowest first, with the processor flags that each adds (oneDNN:
 * src/cpu/x64/cpu_isa_traits.hpp) and the level of XLA that belongs to it. A higher level is another family of kernels and
 * may give other bits.
 */
const levels = [
  { name: 'sse41', xla: 'SSE4_2', flags: ['sse4_1'] },
  { name: 'avx', xla: 'AVX', flags: ['avx'] },
  { name: 'avx2', xla: 'AVX2', flags: ['avx2', 'fma'] },
  {
    name: 'avx512_core',
    xla: 'AVX512',
    flags: ['avx512f', 'avx512bw', 'avx512vl', 'avx512dq'],
  },
  { name: 'avx512_core_vnni', xla: 'AVX512_VNNI', flags: ['avx512_vnni'] },
  { name: 'avx512_core_bf16', xla: 'AVX512_BF16', flags: ['avx512_bf16'] },
  // XLA has no level for it.
  { name: 'avx512_core_fp16', xla: 'AVX512_BF16', flags: ['avx512_fp16', 'avx_vnni'] },
  { name: 'avx512_core_amx', xla: 'AMX', flags: ['amx_tile', 'amx_int8', 'amx_bf16'] },
  { name: 'avx512_core_amx_fp16', xla: 'AMX_FP16', flags: ['amx_fp16'] },
] as const;
export type IsaLevel = (typeof levels)[number]['name'] | 'generic';

/**
 * The level oneDNN chooses on a processor.
 * @param flags - the processor's, as /proc/cpuinfo names them
 * @param limit - value of ONEDNN_MAX_CPU_ISA, if set
 * @throws BerthError `CONFIG_INVALID` when the limit is none of the levels: what oneDNN makes of it is not known here
 */
export function isaLevel(flags: ReadonlySet<string>, limit = 'default'): IsaLevel {
  const lowered = limit.toLowerCase();
  const names: readonly string[] = levels.map(({ name }) => name);
  if (lowered !== 'default' && lowered !== '' && !names.includes(lowered))
    throw new BerthError(
      'CONFIG_INVALID',
      `ONEDNN_MAX_CPU_ISA is "${limit}"; it is one of ${names.join(', ')}, or not set`,
    );
  let isa: IsaLevel = 'generic';
  for (const level of levels) {
    if (!level.flags.every((flag) => flags.has(flag))) break;
    isa = level.name;
    if (level.name === lowered) break;
  }
  return isa;
}

/** XLA's name of the level it must keep to beside oneDNN's; undefined where it has none, as on ARM. */
export function xlaLevel(isa: IsaLevel): string | undefined {
  return levels.find(({ name }) => name === isa)?.xla;
}

/** This machine's processor flags; empty where the system does not tell. */
export function cpuFlags(): ReadonlySet<string> {
  const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  return new Set(line?.[1]?.trim().split(/\s+/));
}

/** The level of this process: the processor's, or what ONEDNN_MAX_CPU_ISA lowers it to. @throws BerthError `CONFIG_INVALID` */
export function ownIsaLevel(): IsaLevel {
  return isaLevel(cpuFlags(), process.env['ONEDNN_MAX_CPU_ISA']);
}
