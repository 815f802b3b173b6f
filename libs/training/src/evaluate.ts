import { addSums, metricsFromSums, type ExampleSizes, type StepSums } from '@berth/contracts';
import { batchOf, spreadEvenly, type BaselineMeter } from '@berth/data';
import type { EnginePort, ExampleReader } from './ports.ts';

export interface EvaluationOptions extends ExampleSizes {
  readonly numEvalExamples: number;
  readonly batchSize: number;
  /** Shown the same examples. */
  readonly baselines: BaselineMeter;
  /** Ends it after the batch under way. */
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  /** With what baselines reach on the same examples. */
  readonly metrics: ReturnType<typeof metricsFromSums>;
  readonly numTokens: number;
}

/** Held-out metrics, pooled over examples that are taken evenly from all held-out documents, always the same ones, dropout off. */
export async function evaluate(
  engine: EnginePort,
  heldOut: ExampleReader,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { task } = engine;
  const examples = spreadEvenly(heldOut.numExamples, options.numEvalExamples);
  const sums: StepSums[] = [];
  for (let start = 0; start < examples.length; start += options.batchSize) {
    options.signal?.throwIfAborted();
    const rows = examples
      .slice(start, start + options.batchSize)
      .map((example) => ({ reader: heldOut, example }));
    const batch = batchOf(task, options, rows);
    options.baselines.add(batch);
    sums.push(await engine.evaluate(batch));
  }
  const total = addSums(task.sums, sums);
  const metrics = { ...metricsFromSums(task, total), ...options.baselines.values() };
  return { metrics, numTokens: total['numTokens'] ?? 0 };
}
