import { BerthError } from '@berth/contracts';

/**
 * Kernels that workers on x86 may compute by, least first, as `berth doctor` calls them, and what of a processor each needs beside
 * those before, as Node Feature Discovery labels it; what it does not label by default is left out.
 */
const levels: readonly (readonly [name: string, features: readonly string[]])[] = [
  ['sse41', []],
  ['avx', ['AVX']],
  ['avx2', ['AVX2', 'FMA3']],
  ['avx512_core', ['AVX512F', 'AVX512BW', 'AVX512VL', 'AVX512DQ']],
  ['avx512_core_vnni', ['AVX512VNNI']],
  ['avx512_core_bf16', ['AVX512BF16']],
  ['avx512_core_fp16', ['AVX512FP16', 'AVXVNNI']],
  ['avx512_core_amx', ['AMXTILE', 'AMXINT8', 'AMXBF16']],
  ['avx512_core_amx_fp16', ['AMXFP16']],
];

/**
 * Selects nodes that have the kernels of a level. Told to keep to it, workers on any of them give the same bits.
 * @throws BerthError `USAGE` for what is no level
 */
export function selectorOfKernels(level: string): Record<string, string> {
  const index = levels.findIndex(([name]) => name === level);
  if (index < 0)
    throw new BerthError(
      'USAGE',
      `--kernels ${level}: it is one of ${levels.map(([name]) => name).join(', ')}, as \`berth doctor\` names them on a machine like the nodes`,
    );
  const features = levels.slice(0, index + 1).flatMap(([, added]) => added);
  return {
    'kubernetes.io/arch': 'amd64',
    ...Object.fromEntries(
      features.map((feature) => [`feature.node.kubernetes.io/cpu-cpuid.${feature}`, 'true']),
    ),
  };
}
