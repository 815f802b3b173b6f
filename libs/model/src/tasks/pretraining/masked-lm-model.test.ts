import {
  sumsFromVector,
  tasks,
  type ExampleBatch,
  type GradientRequest,
  type TrainingEngine,
} from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { expect, it } from 'vitest';
import { createEagerEngine } from '../../eager/eager-engine.ts';
import { createGraphEngine } from '../../graph/graph-engine.ts';
import { optionsOf } from '../../testing/engine-variants.ts';
import { goldenBatch, goldenShape, relativeError } from '../../testing/golden.ts';
import { goldenState } from '../../testing/requests.ts';
import { maskedLmModel } from './masked-lm-model.ts';

const tensorFlow = startTensorFlow({ numThreads: 1 });
const paired = optionsOf({});
const alone = { ...paired, task: maskedLmModel };

function requestOf(batch: ExampleBatch): GradientRequest {
  return {
    step: 0,
    block: { start: 0, length: 1 },
    ranks: [{ virtualRank: 0, microBatches: [batch] }],
    lossScales: { masked_lm: 1 / 20, next_sentence: 0 },
  };
}

const both = goldenBatch(0);
const { nextSentenceLabels: _labels, ...columns } = both.columns;
const withoutLabels: ExampleBatch = { ...both, columns };

/** What an engine makes of a batch, parameter by parameter. */
function measured(engine: TrainingEngine, batch: ExampleBatch) {
  const vector = engine.computeGradients(requestOf(batch)) as Float32Array;
  const parts = engine.layout.map(
    ({ name, offset, size }) => [name, vector.slice(offset, offset + size)] as const,
  );
  return {
    gradient: new Map(parts),
    sums: sumsFromVector(engine.task.sums, vector, engine.numParameters),
    evaluated: engine.evaluate(batch),
    outputs: engine.predict(batch),
  };
}

it.each(['eager', 'graph'] as const)(
  'has the gradients, sums and logits of the model with both heads, less one: %s',
  (kind) => {
    const reference = createEagerEngine(paired);
    reference.loadState(goldenState());
    const expected = measured(reference, both);
    const engine =
      kind === 'eager'
        ? createEagerEngine(alone)
        : createGraphEngine({ ...alone, tensorFlow, shape: goldenShape });
    const names = engine.layout.map(({ name }) => name);
    const { weights } = goldenState();
    const byName = new Map(
      reference.layout.map(({ name, offset, size }) => [
        name,
        weights.subarray(offset, offset + size),
      ]),
    );
    const own = Float32Array.from(names.flatMap((name) => [...byName.get(name)!]));
    engine.loadState({
      step: 0,
      weights: own,
      firstMoments: new Float32Array(own.length),
      secondMoments: new Float32Array(own.length),
    });
    expect(
      reference.layout.map(({ name }) => name).filter((name) => !names.includes(name)),
    ).toEqual([
      'bert/pooler/dense/kernel',
      'bert/pooler/dense/bias',
      'cls/seq_relationship/output_weights',
      'cls/seq_relationship/output_bias',
    ]);
    const found = measured(engine, withoutLabels);
    for (const name of names.filter((one) => !one.endsWith('key/bias')))
      expect(relativeError(found.gradient.get(name)!, expected.gradient.get(name)!)).toBeLessThan(
        1e-4,
      );
    for (const sum of tasks.maskedLm.sums) {
      expect(found.sums[sum]).toBeCloseTo(expected.sums[sum]!, 3);
      expect(found.evaluated[sum]).toBeCloseTo(expected.evaluated[sum]!, 3);
    }
    expect(Object.keys(found.outputs)).toEqual(['maskedLmLogits']);
    const logits = 'maskedLmLogits';
    expect(relativeError(found.outputs[logits]!, expected.outputs[logits]!)).toBeLessThan(1e-5);
    expect(
      engine.applyGradients(engine.computeGradients(requestOf(withoutLabels))).gradientNorm,
    ).toBeGreaterThan(0);
    reference.dispose();
    engine.dispose();
  },
);
