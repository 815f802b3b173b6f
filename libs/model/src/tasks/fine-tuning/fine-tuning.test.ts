import {
  addSums,
  metricsFromSums,
  sumsFromVector,
  type ParameterSpec,
  type TrainingEngine,
} from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { afterAll, describe, expect, it } from 'vitest';
import { createEagerEngine } from '../../eager/eager-engine.ts';
import { createForwardEngine } from '../../eager/forward-engine.ts';
import { createGraphEngine } from '../../graph/graph-engine.ts';
import { optionsOf } from '../../testing/engine-variants.ts';
import {
  denominatorsOf,
  fineTuningBatch,
  fineTuningGradient,
  fineTunings,
  fineTuningState,
  fineTuningStep,
  goldenCase,
} from '../../testing/fine-tuning-golden.ts';
import { flatGradient } from '../../testing/flat-gradient.ts';
import { parameterLayout } from '../../parameters/parameter-layout.ts';
import {
  goldenShape as shape,
  microConfig,
  relativeError,
  tensorsBeyond,
} from '../../testing/golden.ts';
import { fineTuningModel } from './fine-tuning-model.ts';

const tensorFlow = startTensorFlow({ numThreads: 1 });
const graphEngines = new Map<string, TrainingEngine>();
afterAll(() => graphEngines.forEach((engine) => engine.dispose()));

const open = {
  eager: (name: string) =>
    createEagerEngine({ ...optionsOf({}), task: fineTuningModel(fineTunings[name]!) }),
  graph(name: string) {
    const { kind } = fineTunings[name]!;
    const engine =
      graphEngines.get(kind) ??
      createGraphEngine({
        ...optionsOf({}),
        task: fineTuningModel(fineTunings[name]!),
        tensorFlow,
        shape,
      });
    graphEngines.set(kind, engine);
    return engine;
  },
} as const;

const norm = (values: Float32Array): number => Math.hypot(...values);

describe.each(['eager', 'graph'] as const)('the %s engine', (kind) => {
  it.each(Object.keys(fineTunings))(
    'has loss, logits and gradients of Hugging Face: %s',
    (name) => {
      const engine = open[kind](name);
      const { layout, task, numParameters } = engine;
      engine.loadState(fineTuningState(name, layout));
      const batch = fineTuningBatch(name);
      const { loss, correct, outputs } = goldenCase(name);

      const flat = flatGradient(engine, fineTuningStep(task, batch));
      const sums = sumsFromVector(task.sums, flat, numParameters);
      expect(metricsFromSums(task, sums).loss / loss).toBeCloseTo(1, 6);
      expect(task.sums.filter((sum) => sum.endsWith('Correct')).map((sum) => sums[sum])).toEqual(
        correct,
      );
      expect(sums).toMatchObject({ ...denominatorsOf(batch), numTokens: 43 });
      expect(engine.evaluate(batch)).toEqual(sums);
      expect(engine.measure(batch)).toEqual({
        sums: engine.evaluate(batch),
        outputs: engine.predict(batch),
      });

      const predicted = engine.predict(batch);
      expect(Object.keys(predicted)).toEqual(Object.keys(outputs));
      for (const [output, expected] of Object.entries(outputs))
        expect(relativeError(predicted[output]!, expected)).toBeLessThan(2e-6);

      const expected = fineTuningGradient(name, layout);
      const part = ({ offset, size }: ParameterSpec, vector: Float32Array): Float32Array =>
        vector.subarray(offset, offset + size);
      // Softmax does not change when all its scores move alike: what moves them has a gradient of 0.
      const isZero = (spec: ParameterSpec): boolean => norm(part(spec, expected)) < 1e-12;
      const others = layout.filter((spec) => !isZero(spec));
      expect(others.length).toBeGreaterThan(layout.length - 5);
      expect(tensorsBeyond(2e-6, flat, expected, others)).toEqual([]);
      for (const spec of layout.filter(isZero)) expect(norm(part(spec, flat))).toBeLessThan(1e-6);
      if (kind === 'eager') engine.dispose();
    },
  );
});

it.each(Object.keys(fineTunings))('is asked example by example: %s', async (name) => {
  const task = fineTuningModel(fineTunings[name]!);
  const { weights } = fineTuningState(name, parameterLayout(microConfig, task));
  const engine = await createForwardEngine({
    task,
    model: microConfig,
    read: async ({ offset, size }) => weights.slice(offset, offset + size),
  });
  const batch = fineTuningBatch(name);
  const each = engine.evaluate(batch);
  expect(each).toHaveLength(batch.batchSize);
  const { loss, outputs } = goldenCase(name);
  const sums = addSums(engine.task.sums, each);
  expect(metricsFromSums(engine.task, sums).loss / loss).toBeCloseTo(1, 6);
  const predicted = engine.predict(batch);
  for (const [output, expected] of Object.entries(outputs))
    expect(relativeError(predicted[output]!, expected)).toBeLessThan(2e-6);
  engine.dispose();
});
