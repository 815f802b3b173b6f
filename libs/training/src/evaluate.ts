import { addSums, metricsFromSums, type ExampleSizes, type StepSums } from '@berth/contracts';
import { batchOf } from '@berth/data';
import type { EnginePort, ExampleReader } from './ports.ts';

export interface EvaluationOptions extends ExampleSizes {
  readonly numEvalExamples: number;
  readonly batchSize: number;
  /** Ends it after the batch under way. */
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  readonly metrics: ReturnType<typeof metricsFromSums>;
  readonly numTokens: number;
}

/** Held-out metrics, pooled over the first examples of the held-out shard, always the same ones, dropout off. */
export async function evaluate(
  engine: EnginePort,
  heldOut: ExampleReader,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { task } = engine;
  const numExamples = Math.min(options.numEvalExamples, heldOut.numExamples);
  const sums: StepSums[] = [];
  for (let start = 0; start < numExamples; start += options.batchSize) {
    options.signal?.throwIfAborted();
    const size = Math.min(options.batchSize, numExamples - start);
    const rows = Array.from({ length: size }, (_, row) => ({
      reader: heldOut,
      example: start + row,
    }));
    sums.push(await engine.evaluate(batchOf(task, options, rows)));
  }
  const total = addSums(task.sums, sums);
  return { metrics: metricsFromSums(task, total), numTokens: total['numTokens'] ?? 0 };
}
