import type { BatchShape, TrainingEngine } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { expect, it } from 'vitest';
import { createEagerEngine } from './eager/eager-engine.ts';
import { createPhasedEngine } from './phased-engine.ts';
import { optionsOf } from './testing/engine-variants.ts';
import { goldenBlock } from './testing/requests.ts';

startTensorFlow({ numThreads: 1 });
const short: BatchShape = { batchSize: 4, maxSeqLength: 24, maxPredictions: 5 };
const long: BatchShape = { ...short, maxSeqLength: 32 };

it('moves the state to an engine of another shape, one at a time, to the same bits', () => {
  const opened: { shape: BatchShape; engine: TrainingEngine; isDisposed: boolean }[] = [];
  const phased = createPhasedEngine([short, short, long], (shape) => {
    expect(opened.every(({ isDisposed }) => isDisposed)).toBe(true);
    const engine = createEagerEngine(optionsOf({}));
    const one = { shape, engine, isDisposed: false };
    opened.push(one);
    const dispose = engine.dispose.bind(engine);
    engine.dispose = () => {
      one.isDisposed = true;
      dispose();
    };
    return engine;
  });
  const alone = createEagerEngine(optionsOf({}));
  for (const engine of [phased, alone]) engine.initialize(7);
  const request = goldenBlock(0, 1);
  for (const phase of [0, 1, 2, 2, 1]) {
    phased.enterPhase(phase);
    const gradients = [phased, alone].map((engine) => engine.computeGradients(request));
    expect(gradients[0]).toEqual(gradients[1]);
    for (const [index, engine] of [phased, alone].entries())
      engine.applyGradients(gradients[index]!);
    expect(phased.readState()).toEqual(alone.readState());
  }
  expect(opened.map(({ shape }) => shape)).toEqual([short, long, short]);
  phased.dispose();
  alone.dispose();
  expect(opened.every(({ isDisposed }) => isDisposed)).toBe(true);
});
