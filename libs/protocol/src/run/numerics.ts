import type { MemberInfo, Numerics } from '@berth/contracts';

/**
 * What members of a run must match: what is recorded, or else what the first one has. A record of an older release lacks
 * the fingerprint, which the first member to match the rest then gives.
 */
export function standardOf(
  recorded: Numerics | undefined,
  candidates: readonly Pick<MemberInfo, 'numerics'>[],
): Numerics | undefined {
  if (recorded === undefined) return candidates[0]?.numerics;
  if (recorded.fingerprint !== undefined) return recorded;
  const first = candidates.find(({ numerics }) => nameDifference(recorded, numerics) === undefined);
  return first?.numerics ?? recorded;
}

/** Why a member's arithmetic would give other bits, or undefined when it gives the same. */
export function numericsDifference(standard: Numerics, other: Numerics): string | undefined {
  const difference = nameDifference(standard, other);
  if (difference !== undefined || standard.fingerprint === other.fingerprint) return difference;
  if (standard.fingerprint === undefined) return undefined;
  if (other.fingerprint === undefined)
    return 'it does not say what its arithmetic gives, as older releases of berth do not';
  const { tensorflow, kernels, numThreads } = standard;
  const threads = numThreads === 1 ? '1 thread' : `${numThreads} threads`;
  return (
    `same TensorFlow ${tensorflow}, ${kernels}, ${threads}, but its arithmetic differs: ` +
    'another release of berth, another library or a faulty processor'
  );
}

/** The same of a member that still opens the run: what its arithmetic gives is known once it has compiled. */
export function knownDifference(standard: Numerics, other: Numerics): string | undefined {
  return other.fingerprint === undefined
    ? nameDifference(standard, other)
    : numericsDifference(standard, other);
}

function nameDifference(standard: Numerics, other: Numerics): string | undefined {
  for (const key of ['tensorflow', 'device', 'kernels', 'numThreads'] as const)
    if (standard[key] !== other[key])
      return `its ${key} is ${other[key]}, the run's is ${standard[key]}`;
  return undefined;
}
