import type { WireError } from '@berth/contracts';
import type { SimProcess } from './sim-process.ts';
import { modelWeights, seedWeights, type Weights } from './toy-model.ts';
import type { World } from './world.ts';

/** What a run begins with: made from its seed, or the stored model that it names, which is in the bucket. */
export function beginWeights(
  world: World,
  process: SimProcess,
  fail: (error: WireError) => void,
  done: (weights: Weights) => void,
): void {
  if (!world.beginsWithModel) {
    done(seedWeights);
    return;
  }
  const failed = world.sabotage === 'seed-for-model' ? () => done(seedWeights) : fail;
  world.storeCall(process, () => modelWeights, done, failed);
}
