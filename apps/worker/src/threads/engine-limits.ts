import type { GradientRequest } from '@berth/contracts';
import type { CallUnderWay } from './thread-rpc.ts';

const leastMs = 60_000;
/** A call may take that many times what it took lately. */
const patience = 20;
/** Before anything is known of a kind of call. */
const unknownMs = 600_000;
/** Loading TensorFlow, and tracing, compiling and warming up a model, which takes slow machines many minutes. */
const openMs = 3_600_000;

const ofAStep: ReadonlySet<string> = new Set([
  'computeGradients',
  'holdGradients',
  'takeGradients',
  'applyHeldGradients',
]);

/** How long a call to the engine may take. The others wait for a step no longer than `stepTimeoutMs`. */
export function engineLimitMs(
  { method, args }: CallUnderWay,
  measuredMs: number | undefined,
  stepTimeoutMs: number,
): number {
  if (method === 'numerics' || method === 'open' || method === 'enterPhase') return openMs;
  const isOfAStep = ofAStep.has(method);
  if (measuredMs === undefined)
    return isOfAStep ? stepTimeoutMs : Math.max(unknownMs, stepTimeoutMs);
  const limitMs = Math.max(leastMs, patience * measuredMs * numRanks({ method, args }));
  return isOfAStep ? Math.min(stepTimeoutMs, limitMs) : limitMs;
}

/** Virtual ranks that a call computes, to which its time is proportional; 1 for other calls. */
export function numRanks({ method, args }: Pick<CallUnderWay, 'method' | 'args'>): number {
  if (method !== 'computeGradients' && method !== 'holdGradients') return 1;
  return (args as readonly [GradientRequest])[0].block.length;
}
