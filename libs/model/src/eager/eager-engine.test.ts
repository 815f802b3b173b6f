import {
  numStepSums,
  sumsFromVector,
  type ParameterSpec,
  type Wire,
  type TrainingEngine,
} from '@berth/contracts';
import { startTensorFlow, type TensorFlow } from '@berth/graph';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEagerEngine } from './eager-engine.ts';
import {
  golden,
  goldenBatch,
  goldenFlat,
  goldenOptimizer,
  microConfig,
  relativeError,
  tensorsBeyond,
} from '../testing/golden.ts';
import { goldenBlock, goldenState, sliceBatch, wholeStep } from '../testing/requests.ts';
import { bf16Tree } from '../testing/bf16-tree.ts';
import { flatGradient } from '../testing/flat-gradient.ts';
import { sharedVectors } from '../testing/shared-vectors.ts';
import { stateDigestsOf } from '../testing/state-digests.ts';

let tensorFlow: TensorFlow;
const engines: TrainingEngine[] = [];

beforeAll(() => {
  tensorFlow = startTensorFlow({ numThreads: 1 });
});

afterEach(() => {
  engines.splice(0).forEach((engine) => engine.dispose());
});

function goldenEngine(
  options: { optimizer?: 'adamw' | 'lamb'; dropoutRatio?: number; wire?: Wire } = {},
): TrainingEngine {
  const { optimizer = 'adamw', dropoutRatio = 0, wire = 'fp32' } = options;
  const engine = createEagerEngine({
    model: {
      ...microConfig,
      hiddenDropoutRatio: dropoutRatio,
      attentionDropoutRatio: dropoutRatio,
    },
    optimizer: goldenOptimizer(optimizer),
    train: { numSteps: 10 },
    seed: 12_345,
    precision: 'fp32',
    wire,
  });
  engines.push(engine);
  engine.loadState(goldenState());
  return engine;
}

function split(engine: TrainingEngine, flat: Float32Array) {
  return {
    gradient: flat.subarray(0, engine.numParameters),
    sums: sumsFromVector(flat, engine.numParameters),
  };
}

describe('gradients', () => {
  it('equal the reference, tensor by tensor', () => {
    const engine = goldenEngine();
    const flat = flatGradient(engine, wholeStep(0, goldenBatch(0)));
    expect(flat).toHaveLength(engine.numParameters + numStepSums);
    const { gradient, sums } = split(engine, flat);
    const isKeyBias = ({ name }: ParameterSpec) => name.endsWith('/key/bias');
    const others = engine.layout.filter((spec) => !isKeyBias(spec));
    const expected = goldenFlat('model-micro-grads.safetensors');
    expect(tensorsBeyond(2e-5, gradient, expected, others)).toEqual([]);
    // A key bias moves all scores of a query alike, so its exact gradient is 0 and no relative error exists.
    for (const { offset, size } of engine.layout.filter(isKeyBias))
      expect(Math.hypot(...gradient.subarray(offset, offset + size))).toBeLessThan(1e-7);
    const { batch0 } = golden;
    expect(sums.maskedLmLoss / batch0.mlmLossNumerator).toBeCloseTo(1, 6);
    expect(sums.nextSentenceLoss / 4 / batch0.nextSentenceLoss).toBeCloseTo(1, 6);
    expect(sums).toMatchObject({
      maskedLmCorrect: batch0.maskedLmAccuracy * 4,
      maskedWeight: batch0.mlmWeightSum,
      nextSentenceCorrect: batch0.nextSentenceAccuracy * 4,
      numExamples: 4,
      numTokens: 59,
    });
  });

  it('have the same bits when computed again, dropout on', () => {
    const request = wholeStep(3, goldenBatch(1));
    const first = goldenEngine({ dropoutRatio: 0.1 }).computeGradients(request);
    const second = goldenEngine({ dropoutRatio: 0.1 }).computeGradients(request);
    expect(second).toEqual(first);
  });

  it('depend on step, virtual rank and micro-batch through dropout', () => {
    const engine = goldenEngine({ dropoutRatio: 0.1 });
    const batch = goldenBatch(1);
    const request = wholeStep(3, batch);
    const variants = [
      request,
      { ...request, step: 4 },
      {
        ...request,
        block: { start: 1, length: 1 },
        ranks: [{ virtualRank: 1, microBatches: [batch] }],
      },
    ].map((variant) => flatGradient(engine, variant)[0]);
    expect(new Set(variants).size).toBe(3);
  });

  it('of a block have the bits of the tree over its smaller blocks', () => {
    const engine = goldenEngine({ dropoutRatio: 0.1 });
    const sum = (a: Float32Array, b: Float32Array) =>
      a.map((value, index) => value + (b[index] ?? 0));
    const leaf = (rank: number) => flatGradient(engine, goldenBlock(rank, 1));
    const tree = sum(sum(leaf(0), leaf(1)), sum(leaf(2), leaf(3)));
    const halves = sum(
      flatGradient(engine, goldenBlock(0, 2)),
      flatGradient(engine, goldenBlock(2, 2)),
    );
    const whole = flatGradient(engine, goldenBlock(0, 4));
    expect(whole).toEqual(tree);
    expect(whole).toEqual(halves);
  });

  it('of a block are the bf16 tree over the ranks when they travel in bf16', () => {
    const exact = goldenEngine({ dropoutRatio: 0.1 });
    const leaves = [0, 1, 2, 3].map((rank) => flatGradient(exact, goldenBlock(rank, 1)));
    const engine = goldenEngine({ dropoutRatio: 0.1, wire: 'bf16' });
    expect(flatGradient(engine, goldenBlock(1, 1))).toEqual(bf16Tree(leaves.slice(1, 2)));
    expect(flatGradient(engine, goldenBlock(0, 4))).toEqual(bf16Tree(leaves));
  });

  it('barely change when a virtual rank is cut into micro-batches, dropout off', () => {
    const engine = goldenEngine();
    const batch = goldenBatch(2);
    const request = wholeStep(0, batch);
    const microBatches = [sliceBatch(batch, 0, 2), sliceBatch(batch, 2, 4)];
    const cut = flatGradient(engine, { ...request, ranks: [{ virtualRank: 0, microBatches }] });
    expect(relativeError(cut, flatGradient(engine, request))).toBeLessThan(1e-6);
  });

  it('are refused for virtual ranks that are not the block', () => {
    const request = { ...goldenBlock(0, 2), block: { start: 2, length: 2 } };
    expect(() => goldenEngine().computeGradients(request)).toThrow('virtual ranks 0, 1');
  });
});

describe('training', () => {
  it.each(['adamw', 'lamb'] as const)('follows the reference trajectory of %s', (optimizer) => {
    const engine = goldenEngine({ optimizer });
    const { steps } = golden.trajectory[optimizer];
    for (const expected of steps) {
      const request = wholeStep(expected.step, goldenBatch(expected.step));
      const flat = flatGradient(engine, request);
      const { sums } = split(engine, flat);
      const loss =
        sums.maskedLmLoss * request.maskedLmScale +
        sums.nextSentenceLoss * request.nextSentenceScale;
      const { learningRate, gradientNorm } = engine.applyGradients(flat);
      expect(learningRate).toBeCloseTo(expected.learningRate, 12);
      expect(loss / expected.loss).toBeCloseTo(1, 4);
      expect(gradientNorm / expected.globalGradNorm).toBeCloseTo(1, 3);
    }
    const { step, weights } = engine.readState();
    expect(step).toBe(steps.length);
    const expected = goldenFlat(`trajectory-${optimizer}.safetensors`);
    expect(tensorsBeyond(1e-4, weights, expected)).toEqual([]);
  });

  it('goes on with the same bits from a state that was read and loaded', () => {
    const train = (engine: TrainingEngine, step: number) =>
      engine.applyGradients(flatGradient(engine, wholeStep(step, goldenBatch(step))));
    const undisturbed = goldenEngine({ dropoutRatio: 0.1 });
    [0, 1, 2, 3].forEach((step) => train(undisturbed, step));
    const before = goldenEngine({ dropoutRatio: 0.1 });
    [0, 1].forEach((step) => train(before, step));
    const resumed = goldenEngine({ dropoutRatio: 0.1 });
    resumed.loadState(before.readState());
    [2, 3].forEach((step) => train(resumed, step));
    expect(resumed.readState()).toEqual(undisturbed.readState());
  });

  it('reads its state into shared memory, and loads it from there', () => {
    const engine = goldenEngine();
    engine.applyGradients(flatGradient(engine, wholeStep(0, goldenBatch(0))));
    const expected = engine.readState();
    const into = sharedVectors(engine.numParameters);
    expect(engine.readState(into)).toEqual(expected);
    engine.loadState(goldenState());
    engine.loadState({ step: 1, ...into });
    expect(engine.readState()).toEqual(expected);
  });

  it('gives the digests of its state', () => {
    const engine = goldenEngine();
    engine.applyGradients(flatGradient(engine, wholeStep(0, goldenBatch(0))));
    const { given, expected } = stateDigestsOf(engine);
    expect(given).toEqual(expected);
  });

  it('neither keeps nor changes the arrays it is given', () => {
    const engine = goldenEngine();
    const state = goldenState();
    const gradient = new Float32Array(engine.numParameters + numStepSums).fill(0.01);
    engine.loadState(state);
    engine.applyGradients(gradient);
    const expected = engine.readState();
    expect(state).toEqual(goldenState());
    state.weights.fill(9);
    gradient.fill(9);
    expect(engine.readState()).toEqual(expected);
  });

  it('frees every tensor', () => {
    const numBefore = tensorFlow.tf.memory().numTensors;
    const numNativeBefore = tensorFlow.numTensors();
    const engine = goldenEngine({ dropoutRatio: 0.1 });
    const numLoaded = tensorFlow.tf.memory().numTensors;
    expect(numLoaded - numBefore).toBe(3 * engine.layout.length);
    for (const step of [0, 1]) {
      engine.applyGradients(flatGradient(engine, { ...goldenBlock(0, 4), step }));
      engine.evaluate(goldenBatch(0));
      engine.readState();
      expect(tensorFlow.tf.memory().numTensors).toBe(numLoaded);
    }
    engine.dispose();
    expect(tensorFlow.tf.memory().numTensors).toBe(numBefore);
    expect(tensorFlow.numTensors()).toBe(numNativeBefore);
  });

  it('stops at a gradient that is not finite, and applies nothing', () => {
    const engine = goldenEngine();
    const before = engine.readState();
    const gradient = new Float32Array(engine.numParameters + numStepSums);
    gradient[17] = Number.NaN;
    expect(() => engine.applyGradients(gradient)).toThrow(
      expect.objectContaining({ code: 'NUMERICS_NOT_FINITE', details: { step: 0 } }),
    );
    expect(engine.readState()).toEqual(before);
  });

  it('refuses a state of another model', () => {
    const state = { ...goldenState(), secondMoments: new Float32Array(5) };
    expect(() => goldenEngine().loadState(state)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }),
    );
  });
});

describe('a fresh model', () => {
  it('starts at the loss of guessing: ln V + ln 2', () => {
    const engine = goldenEngine();
    engine.initialize(1);
    const sums = engine.evaluate(goldenBatch(3));
    const maskedLm = sums.maskedLmLoss / sums.maskedWeight;
    expect(maskedLm + sums.nextSentenceLoss / 4).toBeCloseTo(Math.log(97) + Math.log(2), 1);
  });

  it('evaluates with nothing dropped', () => {
    const dropping = goldenEngine({ dropoutRatio: 0.5 }).evaluate(goldenBatch(0));
    expect(dropping).toEqual(goldenEngine().evaluate(goldenBatch(0)));
  });

  it('sends gradient to the word table both from its rows and from the decoder', () => {
    const engine = goldenEngine();
    const word = engine.layout[0];
    const rowNorm = (flat: Float32Array, row: number) =>
      Math.hypot(
        ...flat.subarray((word?.offset ?? 0) + row * 16, (word?.offset ?? 0) + (row + 1) * 16),
      );
    const batch = goldenBatch(0);
    const unused = Array.from({ length: 97 }, (_, id) => id).filter(
      (id) => !batch.inputIds.includes(id),
    );
    const request = wholeStep(0, batch);
    const both = flatGradient(engine, request);
    const lookupOnly = flatGradient(engine, { ...request, maskedLmScale: 0 });
    expect(unused.every((id) => rowNorm(both, id) > 0)).toBe(true);
    expect(unused.every((id) => rowNorm(lookupOnly, id) === 0)).toBe(true);
    expect(rowNorm(lookupOnly, batch.inputIds[0] ?? 0)).toBeGreaterThan(0);
  });
});
