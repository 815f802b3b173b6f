import { readFileSync } from 'node:fs';

/**
 * oneDNN's instruction set levels on x86, lowest first, with the processor flags that each adds
 * (oneDNN: src/cpu/x64/cpu_isa_traits.hpp). A higher level is another family of kernels and gives other bits.
 */
const levels = [
  { name: 'sse41', flags: ['sse4_1'] },
  { name: 'avx', flags: ['avx'] },
  { name: 'avx2', flags: ['avx2', 'fma'] },
  { name: 'avx512_core', flags: ['avx512f', 'avx512bw', 'avx512vl', 'avx512dq'] },
  { name: 'avx512_core_vnni', flags: ['avx512_vnni'] },
  { name: 'avx512_core_bf16', flags: ['avx512_bf16'] },
  { name: 'avx512_core_fp16', flags: ['avx512_fp16', 'avx_vnni'] },
  { name: 'avx512_core_amx', flags: ['amx_tile', 'amx_int8', 'amx_bf16'] },
  { name: 'avx512_core_amx_fp16', flags: ['amx_fp16'] },
] as const;
export type OneDnnIsa = (typeof levels)[number]['name'] | 'generic';

/**
 * The level oneDNN chooses on a processor.
 * @param flags - the processor's, as /proc/cpuinfo names them
 * @param limit - value of ONEDNN_MAX_CPU_ISA, if set
 */
export function oneDnnIsa(flags: ReadonlySet<string>, limit?: string): OneDnnIsa {
  let isa: OneDnnIsa = 'generic';
  for (const level of levels) {
    if (!level.flags.every((flag) => flags.has(flag))) break;
    isa = level.name;
    if (level.name === limit?.toLowerCase()) break;
  }
  return isa;
}

/** This machine's processor flags; empty where the system does not tell. */
export function cpuFlags(): ReadonlySet<string> {
  const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  return new Set(line?.[1]?.trim().split(/\s+/));
}
