import { BerthError } from '@berth/contracts';
import { faultKinds, noFaults, type FaultCounts, type FaultKind } from './plan.ts';

/**
 * Reads `worker-kill=20`, one of each; what is not named does not happen.
 * @throws BerthError `USAGE`
 */
export function faultCounts(texts: readonly string[]): FaultCounts {
  const counts: Record<FaultKind, number> = { ...noFaults };
  for (const text of texts) {
    const [name, count = '1'] = text.split('=');
    const kind = faultKinds.find((known) => known === name);
    if (kind === undefined || !/^\d+$/.test(count))
      throw new BerthError(
        'USAGE',
        `--fault ${text}: write kind=count, the kind one of ${faultKinds.join(', ')}`,
      );
    counts[kind] = Number(count);
  }
  return counts;
}
