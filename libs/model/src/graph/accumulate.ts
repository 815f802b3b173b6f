import type { BatchShape, GradientRequest, ModelConfig, AllReduceDtype } from '@berth/contracts';
import type { GraphSession } from '@berth/graph';
import { dropoutKey, type DropoutPass } from '../eager/dropout.ts';
import { checkRanks } from '../engine-state.ts';
import type { TaskModel } from '../tasks/task-model.ts';
import { batchData } from './batch-inputs.ts';
import { numDropoutSites } from './step-context.ts';
import { lossScaleInput } from './training-graph.ts';

export interface AccumulateOptions {
  readonly task: TaskModel;
  readonly model: ModelConfig;
  readonly shape: BatchShape;
  readonly seed: number;
  readonly allReduceDtype?: AllReduceDtype;
}

/**
 * Leaves a block's gradient as the session's current sum: micro-batches in order, virtual ranks as a binary counter.
 * @throws BerthError `INTERNAL` unless the ranks are those of the block, in order
 */
export function accumulateBlock(
  session: GraphSession,
  request: GradientRequest,
  { task: head, model, shape, seed, allReduceDtype }: AccumulateOptions,
): void {
  checkRanks(request);
  const { step, ranks, lossScales } = request;
  const { task } = head;
  const sites = Array.from({ length: numDropoutSites(model, head) }, (_, site) => site);
  const scales = Object.fromEntries(
    task.losses.map(({ name }) => [
      lossScaleInput(name),
      Float32Array.of(lossScales[name] ?? Number.NaN),
    ]),
  );
  ranks.forEach(({ virtualRank, microBatches }, index) => {
    microBatches.forEach((batch, microBatch) =>
      session.run(microBatch === 0 ? 'start' : 'accumulate', {
        ...batchData(batch, task, shape),
        dropoutKeys_K2: dropoutKeys(sites, { seed, step, virtualRank, microBatch }),
        ...scales,
      }),
    );
    const level = trailingOnes(index);
    const isLast = index === ranks.length - 1;
    const numCarried = isLast ? level : level - 1;
    for (let below = 0; below < numCarried; below++) session.run(`carry_${below}`);
    if (!isLast) session.run(`keep_${level}`);
    else if (level === 0 && allReduceDtype === 'bf16') session.run('round');
  });
}

function dropoutKeys(sites: readonly number[], pass: DropoutPass): Int32Array {
  return Int32Array.from(sites.flatMap((site) => dropoutKey(pass, site)));
}

/** Levels of the tree that are complete when this rank's sum is made. */
function trailingOnes(index: number): number {
  return 31 - Math.clz32(~index & (index + 1));
}
