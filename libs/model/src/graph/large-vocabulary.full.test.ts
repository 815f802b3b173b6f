import type { TrainingEngine } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { expect, it } from 'vitest';
import { createEagerEngine } from '../eager/eager-engine.ts';
import { relativeError } from '../testing/golden.ts';
import { sizedOptions, sizedRequest, sizedShape } from '../testing/sized-models.ts';
import { createGraphEngine } from './graph-engine.ts';

const timeoutMs = 600_000;

it.each([119_547, 250_000])(
  'steps alike in both engines with %i entries in the vocabulary',
  (vocabSize) => {
    const options = sizedOptions('tiny', 'fp32');
    const model = {
      ...options.model,
      vocabSize,
      numLayers: 1,
      hiddenSize: 16,
      numHeads: 2,
      intermediateSize: 32,
    };
    const request = sizedRequest(model, 3);
    const steps = [
      createEagerEngine({ ...options, model }),
      createGraphEngine({
        ...options,
        model,
        tensorFlow: startTensorFlow({ numThreads: 1 }),
        shape: sizedShape,
      }),
    ].map((engine: TrainingEngine) => {
      engine.initialize(7);
      const gradient = engine.computeGradients(request).slice();
      engine.applyGradients(gradient);
      const step = { gradient, weights: engine.readState().weights.slice() };
      engine.dispose();
      return step;
    });
    const [eager, graph] = steps;
    // Entries above 65,535 are among those that the batch uses.
    expect(eager!.gradient.subarray(65_536 * 16, vocabSize * 16).some((value) => value !== 0)).toBe(
      true,
    );
    expect(relativeError(graph!.gradient, eager!.gradient)).toBeLessThan(1e-6);
    expect(relativeError(graph!.weights, eager!.weights)).toBeLessThan(1e-6);
  },
  timeoutMs,
);
