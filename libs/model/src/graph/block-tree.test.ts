import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTensorFlow } from '@berth/graph';
import { expect, it, onTestFinished } from 'vitest';
import { flatGradient } from '../testing/flat-gradient.ts';
import { goldenOptimizer, goldenShape, microConfig } from '../testing/golden.ts';
import { goldenBlock } from '../testing/requests.ts';
import { pretrainingModel } from '../tasks/pretraining/pretraining-model.ts';
import { createGraphEngine } from './graph-engine.ts';

/** TensorFlow orders the sums of some parameters only, and of others in other models: a deep one has more of them. */
it.each([3, 4, 6])(
  'with %i layers, a block has the bits of its halves, all the way down',
  (numLayers) => {
    const cacheFolder = mkdtempSync(join(tmpdir(), 'berth-tree-'));
    const engine = createGraphEngine({
      tensorFlow: startTensorFlow({ numThreads: 1 }),
      task: pretrainingModel,
      model: { ...microConfig, numLayers },
      optimizer: goldenOptimizer('adamw'),
      train: { numSteps: 10, virtualRanks: 4 },
      seed: 7,
      precision: 'fp32',
      shape: goldenShape,
      cacheFolder,
    });
    onTestFinished(() => {
      engine.dispose();
      rmSync(cacheFolder, { recursive: true });
    });
    engine.initialize(7);
    const of = (start: number, length: number) => flatGradient(engine, goldenBlock(start, length));
    const sum = (a: Float32Array, b: Float32Array) =>
      a.map((value, index) => value + (b[index] ?? 0));
    expect(of(0, 2)).toEqual(sum(of(0, 1), of(1, 1)));
    expect(of(0, 4)).toEqual(sum(of(0, 2), of(2, 2)));
  },
);
