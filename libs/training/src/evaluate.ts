import {
  addSums,
  metricsFromSums,
  type ExampleSizes,
  type FineTuningReport,
  type StepSums,
} from '@berth/contracts';
import { batchOf, spreadEvenly, type BaselineMeter } from '@berth/data';
import type { EnginePort, HeldOutExamples } from './ports.ts';
import type { ReportMeter } from './tasks/fine-tuning/report-meter.ts';
import { numbersOf } from './tasks/fine-tuning/report-numbers.ts';

export interface EvaluationOptions extends ExampleSizes {
  readonly numEvalExamples: number;
  readonly batchSize: number;
  /** Shown the same examples. */
  readonly baselines: BaselineMeter;
  /** Shown the same examples and what the head says of them, where the task is measured by its predictions. */
  readonly reportMeter?: ReportMeter | undefined;
  /** Ends it after the batch under way. */
  readonly signal?: AbortSignal;
}

export interface Evaluation {
  /** With what baselines reach on the same examples. */
  readonly metrics: ReturnType<typeof metricsFromSums>;
  readonly numTokens: number;
  /** With the metrics above, where there was a meter. */
  readonly report?: FineTuningReport;
}

/** Held-out metrics, pooled over examples that are taken evenly from all held-out documents, always the same ones, dropout off. */
export async function evaluate(
  engine: EnginePort,
  heldOut: HeldOutExamples,
  options: EvaluationOptions,
): Promise<Evaluation> {
  const { task } = engine;
  const { reportMeter } = options;
  const examples = spreadEvenly(heldOut.numExamples, options.numEvalExamples);
  const sums: StepSums[] = [];
  for (let start = 0; start < examples.length; start += options.batchSize) {
    options.signal?.throwIfAborted();
    const some = examples.slice(start, start + options.batchSize);
    const rows = await Promise.all(some.map((example) => heldOut.rowOf(example)));
    const batch = batchOf(task, options, rows);
    options.baselines.add(batch);
    if (reportMeter === undefined) sums.push(await engine.evaluate(batch));
    else {
      const measured = await engine.measure(batch);
      sums.push(measured.sums);
      reportMeter.add(batch, measured.outputs, some);
    }
  }
  const total = addSums(task.sums, sums);
  const numTokens = total['numTokens'] ?? 0;
  const means = metricsFromSums(task, total);
  const metrics = { ...means, ...options.baselines.values() };
  if (reportMeter === undefined) return { metrics, numTokens };
  const measured = reportMeter.report();
  const report = { ...measured, metrics: { ...measured.metrics, ...means } };
  return { metrics: { ...metrics, ...numbersOf(report) }, numTokens, report };
}
