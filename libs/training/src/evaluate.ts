import { metricsFromSums, stepSumNames, type LossMetrics, type StepSums } from '@berth/contracts';
import { allocateBatch } from '@berth/data';
import type { EnginePort, ExampleReader } from './ports.ts';

export interface EvaluationOptions {
  readonly numEvalExamples: number;
  readonly batchSize: number;
  readonly maxSeqLength: number;
  readonly maxPredictions: number;
  /** Ends it after the batch under way. */
  readonly signal?: AbortSignal;
}

export interface Evaluation extends LossMetrics {
  readonly numExamples: number;
  readonly numTokens: number;
}

/** Held-out loss and accuracy, pooled over the first examples of the held-out shard, always the same ones, dropout off. */
export async function evaluate(
  engine: EnginePort,
  heldOut: ExampleReader,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const numExamples = Math.min(options.numEvalExamples, heldOut.numExamples);
  const total = Object.fromEntries(stepSumNames.map((name) => [name, 0])) as StepSums;
  for (let start = 0; start < numExamples; start += options.batchSize) {
    options.signal?.throwIfAborted();
    const size = Math.min(options.batchSize, numExamples - start);
    const batch = allocateBatch(size, options.maxSeqLength, options.maxPredictions);
    for (let row = 0; row < size; row++) heldOut.copyInto(batch, row, start + row);
    const sums = await engine.evaluate(batch);
    for (const name of stepSumNames) total[name] += sums[name];
  }
  return { ...metricsFromSums(total), numExamples, numTokens: total.numTokens };
}
