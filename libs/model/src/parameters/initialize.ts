import type { ModelConfig, ParameterSpec } from '@berth/contracts';
import { counterHash, hashDomains, hashKey, type HashKey } from '../counter-hash.ts';
import { numParametersOf } from './parameter-layout.ts';

/**
 * Fresh flat weights: kernels and tables from a normal distribution cut at two standard deviations
 * (`config.initializerRange`), gammas 1, biases and betas 0 (docs/bert.md#parameters). Element e of parameter p is a pure
 * function of (seed, p, e), made with IEEE additions, multiplications and one division only: the same bits on every machine. p is
 * the place in the layout of what the release has in pre-training, and the name of all else.
 * @param seed - unsigned 32-bit
 */
export function initialWeights(
  layout: readonly ParameterSpec[],
  config: ModelConfig,
  seed: number,
): Float32Array {
  const flat = new Float32Array(numParametersOf(layout));
  layout.forEach((spec, index) => {
    const values = flat.subarray(spec.offset, spec.offset + spec.size);
    if (spec.name.endsWith('/gamma')) values.fill(1);
    else if (spec.decayed)
      fillTruncatedNormal(values, config.initializerRange, keyOf(spec, index, seed));
  });
  return flat;
}

function keyOf({ name }: ParameterSpec, index: number, seed: number): HashKey {
  return /^(bert|cls)\//.test(name)
    ? hashKey(hashDomains.initialize, seed, index)
    : hashKey(hashDomains.initializeNamed, seed, ...Buffer.from(name));
}

function fillTruncatedNormal(values: Float32Array, std: number, [k0, k1]: HashKey): void {
  for (let index = 0; index < values.length; index++)
    values[index] = std * truncatedNormalQuantile(uniform(counterHash(k0, k1, index)));
}

/** Maps 32 random bits to the middle of one of 2^32 equal intervals of (-1, 1). */
function uniform(bits: number): number {
  return (bits + 0.5) * 2 ** -31;
}

/**
 * The standard normal variable cut at +-2, by inversion: sqrt(2) erfinv(y erf(sqrt 2)) for y in (-1, 1), which is the
 * distribution of drawing again until a value lies within two standard deviations. A rational interpolant in y^2 at
 * Chebyshev points; relative error below 1.2e-8.
 */
export function truncatedNormalQuantile(y: number): number {
  const z = y * y;
  const numerator =
    (((((0.002057643246997575 * z + -0.08803071494872998) * z + 0.7680562610189657) * z +
      -2.7152548052576386) *
      z +
      4.619424379945694) *
      z +
      -3.7800402405963047) *
      z +
    1.196288013322627;
  const denominator =
    (((((0.007566202322489159 * z + -0.1568616736872108) * z + 1.019771083196276) * z +
      -3.023454889160028) *
      z +
      4.5525548851783455) *
      z +
      -3.3983253394586215) *
      z +
    1;
  return (y * numerator) / denominator;
}
