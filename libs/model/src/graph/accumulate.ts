import type { BatchShape, GradientRequest, ModelConfig, AllReduceDtype } from '@berth/contracts';
import type { GraphSession } from '@berth/graph';
import { dispose, type NamedTensorMap, type Tensor } from '@tensorflow/tfjs-core';
import { dropoutKey, type DropoutPass } from '../eager/dropout.ts';
import { checkRanks } from '../engine-state.ts';
import type { TaskModel } from '../tasks/task-model.ts';
import { batchData } from './batch-inputs.ts';
import type { GradientBucket } from './gradient-buckets.ts';
import { runInput } from './hand-out.ts';
import { numDropoutSites } from './step-context.ts';
import { lossScaleInput } from './training-graph.ts';

export interface AccumulateOptions {
  readonly task: TaskModel;
  readonly model: ModelConfig;
  readonly shape: BatchShape;
  readonly seed: number;
  readonly allReduceDtype?: AllReduceDtype;
  /** What the graph hands out; none if it hands out nothing. */
  readonly buckets: readonly GradientBucket[];
}

/** Called for each bucket of a block's gradient, in their order, once it is summed. */
export type OnSummed = (bucket: GradientBucket) => void;

/**
 * Leaves a block's gradient as the session's current sum: micro-batches in order, virtual ranks as a binary counter.
 * @param onSummed - told of parts of the sum while the session computes the others, where it hands out what it computes
 * @throws BerthError `INTERNAL` unless the ranks are those of the block, in order
 */
export function accumulateBlock(
  session: GraphSession,
  request: GradientRequest,
  { task: head, model, shape, seed, allReduceDtype, buckets }: AccumulateOptions,
  onSummed?: OnSummed,
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
    const level = trailingOnes(index);
    const isLastRank = index === ranks.length - 1;
    /** What makes the rank's sum a node of the tree, of all of it or of a bucket. */
    const climb = (suffix = ''): void => {
      const numCarried = isLastRank ? level : level - 1;
      for (let below = 0; below < numCarried; below++) session.run(`carry_${below}${suffix}`);
      if (isLastRank && level === 0 && allReduceDtype === 'bf16') session.run(`round${suffix}`);
    };
    for (const [microBatch, batch] of microBatches.entries()) {
      const signature = microBatch === 0 ? 'start' : 'accumulate';
      const inputs = {
        ...batchData(batch, task, shape),
        dropoutKeys_K2: dropoutKeys(sites, { seed, step, virtualRank, microBatch }),
        ...scales,
      };
      const isLast = isLastRank && microBatch === microBatches.length - 1;
      if (buckets.length === 0) session.run(signature, inputs);
      else
        session.runInStages('hand_out', inputs, runInput, (stage, values) => {
          const bucket = buckets[stage]!;
          dispose(session.runTensors(`${signature}_${bucket.name}`, named(bucket, values)));
          if (!isLast || onSummed === undefined) return;
          climb(`_${bucket.name}`);
          onSummed(bucket);
        });
    }
    const hasClimbed = isLastRank && onSummed !== undefined && buckets.length > 0;
    if (!hasClimbed) climb();
    if (!isLastRank) session.run(`keep_${level}`);
  });
}

function named({ gradients }: GradientBucket, values: readonly Tensor[]): NamedTensorMap {
  return Object.fromEntries(gradients.map((name, index) => [name, values[index]!]));
}

function dropoutKeys(sites: readonly number[], pass: DropoutPass): Int32Array {
  return Int32Array.from(sites.flatMap((site) => dropoutKey(pass, site)));
}

/** Levels of the tree that are complete when this rank's sum is made. */
function trailingOnes(index: number): number {
  return 31 - Math.clz32(~index & (index + 1));
}
