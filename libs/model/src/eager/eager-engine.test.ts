import type { TrainingEngine } from '@berth/contracts';
import { startTensorFlow, type TensorFlow } from '@berth/graph';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeEngine } from '../testing/engine-contract.ts';
import { dropping, optionsOf, type EngineVariant } from '../testing/engine-variants.ts';
import { flatGradient } from '../testing/flat-gradient.ts';
import { goldenBatch } from '../testing/golden.ts';
import { goldenBlock, goldenState } from '../testing/requests.ts';
import { createEagerEngine } from './eager-engine.ts';

let tensorFlow: TensorFlow;
const engines: TrainingEngine[] = [];

beforeAll(() => {
  tensorFlow = startTensorFlow({ numThreads: 1 });
});

afterEach(() => {
  engines.splice(0).forEach((engine) => engine.dispose());
});

function eagerEngine(variant: EngineVariant = {}): TrainingEngine {
  const engine = createEagerEngine(optionsOf(variant));
  engines.push(engine);
  engine.loadState(goldenState());
  return engine;
}

describe('the eager engine', () => {
  describeEngine(eagerEngine);

  it('frees every tensor', () => {
    const numBefore = tensorFlow.tf.memory().numTensors;
    const numNativeBefore = tensorFlow.numTensors();
    const engine = eagerEngine(dropping);
    const numLoaded = tensorFlow.tf.memory().numTensors;
    expect(numLoaded - numBefore).toBe(3 * engine.layout.length);
    for (const step of [0, 1]) {
      engine.applyGradients(flatGradient(engine, { ...goldenBlock(0, 4), step }));
      engine.evaluate(goldenBatch(0));
      engine.predict(goldenBatch(0));
      engine.readState();
      expect(tensorFlow.tf.memory().numTensors).toBe(numLoaded);
    }
    engine.dispose();
    expect(tensorFlow.tf.memory().numTensors).toBe(numBefore);
    expect(tensorFlow.numTensors()).toBe(numNativeBefore);
  });
});
