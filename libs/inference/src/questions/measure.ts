import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  BerthError,
  addSums,
  metricsFromSums,
  type Estimate,
  type ExampleBatch,
  type Metric,
  type StepSums,
  type Task,
} from '@berth/contracts';
import { batchOf, spreadEvenly, type ExampleRow } from '@berth/data';
import { presentTerms, type OpenModel } from '../models/open-model.ts';
import type { HeldOutExamples } from './held-out.ts';

const batchSize = 32;

/** The batches of examples that are taken evenly from all documents. */
export function* heldOutBatches(
  task: Task,
  { readers, settings }: Pick<HeldOutExamples, 'readers' | 'settings'>,
  numExamples: number,
): Generator<ExampleBatch> {
  const all = readers.reduce((sum, reader) => sum + reader.numExamples, 0);
  const examples = spreadEvenly(all, numExamples);
  for (let start = 0; start < examples.length; start += batchSize) {
    const rows = examples.slice(start, start + batchSize).map((example) => rowOf(readers, example));
    yield batchOf(task, settings, rows);
  }
}

/** An example of several shards, numbered through all of them. */
function rowOf(readers: HeldOutExamples['readers'], example: number): ExampleRow {
  let place = example;
  for (const reader of readers) {
    if (place < reader.numExamples) return { reader, example: place };
    place -= reader.numExamples;
  }
  throw new BerthError('INTERNAL', `there is no held-out example ${example}`);
}

/** The sums of each example. @param onBatch - shown each batch */
export async function measure(
  { engine }: Pick<OpenModel, 'engine'>,
  heldOut: HeldOutExamples,
  numExamples: number,
  onBatch: (batch: ExampleBatch) => void = () => undefined,
): Promise<StepSums[]> {
  const sums: StepSums[] = [];
  for (const batch of heldOutBatches(engine.task, heldOut, numExamples)) {
    sums.push(...engine.evaluate(batch));
    onBatch(batch);
    // Whoever asked may be gone.
    await yieldToOthers();
  }
  return sums;
}

/** The metrics that all of these models have. */
export function metricsOf(task: Task, models: readonly Pick<OpenModel, 'source'>[]): Metric[] {
  return task.metrics.filter(({ name }) =>
    models.every(({ source }) =>
      presentTerms(task, source).some((term) => name.startsWith(`${term}_`)),
    ),
  );
}

/** A metric over some examples, as `metricsFromSums` has it. */
export function valueOf(task: Task, metric: Metric, sums: readonly StepSums[]): number {
  return metricsFromSums(task, addSums(task.sums, sums))[metric.name] ?? Number.NaN;
}

/**
 * A mean that is a ratio of two sums, with its standard error over examples as far as that is known: of the numerator's
 * differences from what the ratio would have them be (Cochran, Sampling Techniques, 6.2).
 */
export function ratio(numerators: readonly number[], denominators: readonly number[]): Estimate {
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const n = numerators.length;
  const total = sum(denominators);
  const value = sum(numerators) / (total || 1);
  if (n < 2 || total === 0) return { value, standardError: null };
  const squares = numerators.map((numerator, i) => (numerator - value * denominators[i]!) ** 2);
  return { value, standardError: Math.sqrt((sum(squares) * n) / (n - 1)) / total };
}

/** A sum of each example. */
export function sumsNamed(sums: readonly StepSums[], name: string): number[] {
  return sums.map((one) => one[name] ?? Number.NaN);
}
