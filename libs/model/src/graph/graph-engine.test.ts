import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  numStateSlices,
  numStepSums,
  stepSumsOf,
  sumsFromVector,
  unpackGradient,
  type ExampleBatch,
  type GradientVector,
  type ParameterSpec,
  type StepSums,
  type TrainingEngine,
  type Wire,
} from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { afterAll, describe, expect, it } from 'vitest';
import { createEagerEngine } from '../eager/eager-engine.ts';
import {
  golden,
  goldenBatch,
  goldenFlat,
  goldenOptimizer,
  microConfig,
  relativeError,
  tensorsBeyond,
} from '../testing/golden.ts';
import { goldenBlock, goldenState, padBatch, sliceBatch, wholeStep } from '../testing/requests.ts';
import { bf16Tree } from '../testing/bf16-tree.ts';
import { flatGradient } from '../testing/flat-gradient.ts';
import { sharedVectors } from '../testing/shared-vectors.ts';
import { stateDigestsOf } from '../testing/state-digests.ts';
import { createGraphEngine, type GraphEngine } from './graph-engine.ts';

const tensorFlow = startTensorFlow({ numThreads: 1 });
const cacheFolder = mkdtempSync(join(tmpdir(), 'berth-engine-'));
const graphEngines = new Map<string, GraphEngine>();

afterAll(() => {
  graphEngines.forEach((engine) => engine.dispose());
  rmSync(cacheFolder, { recursive: true });
});

interface Variant {
  readonly optimizer?: 'adamw' | 'lamb';
  readonly dropoutRatio?: number;
  readonly wire?: Wire;
}

const dropping: Variant = { dropoutRatio: 0.3 };

function optionsOf({ optimizer = 'adamw', dropoutRatio = 0, wire = 'fp32' }: Variant) {
  return {
    model: {
      ...microConfig,
      hiddenDropoutRatio: dropoutRatio,
      attentionDropoutRatio: dropoutRatio,
    },
    optimizer: goldenOptimizer(optimizer),
    train: { numSteps: 10, virtualRanks: 4 },
    seed: 12_345,
    precision: 'fp32',
    wire,
  } as const;
}

const { batchSize, seqLength, numPredictions } = goldenBatch(0);
const shape = { batchSize, seqLength, numPredictions };

/** An engine in the golden state. Compiling takes seconds, so tests share one per variant. */
function graphEngine(variant: Variant = {}): GraphEngine {
  const key = JSON.stringify(optionsOf(variant));
  const engine = graphEngines.get(key) ?? newGraphEngine(variant);
  graphEngines.set(key, engine);
  engine.loadState(goldenState());
  return engine;
}

function newGraphEngine(variant: Variant): GraphEngine {
  return createGraphEngine({ ...optionsOf(variant), tensorFlow, shape, cacheFolder });
}

/** What an eager engine of the same options makes of it. */
function eagerly<T>(variant: Variant, use: (engine: TrainingEngine) => T): T {
  const engine = createEagerEngine(optionsOf(variant));
  engine.loadState(goldenState());
  const result = use(engine);
  engine.dispose();
  return result;
}

function split(engine: TrainingEngine, flat: Float32Array) {
  return {
    gradient: flat.subarray(0, engine.numParameters),
    sums: sumsFromVector(flat, engine.numParameters),
  };
}

describe('gradients of the graph engine', () => {
  it('equal the reference, tensor by tensor', () => {
    const engine = graphEngine();
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

  it('equal those of the eager engine with dropout, so the masks are the same', () => {
    const request = goldenBlock(0, 4);
    const expected = eagerly(dropping, (engine) => flatGradient(engine, request));
    const actual = graphEngine(dropping).computeGradients(request);
    expect(relativeError(actual, expected)).toBeLessThan(1e-6);
  });

  it('have the same bits when computed again', () => {
    const request = wholeStep(3, goldenBatch(1));
    const engine = graphEngine(dropping);
    expect(flatGradient(engine, request)).toEqual(flatGradient(engine, request));
  });

  it('of a block have the bits of the tree over its smaller blocks', () => {
    const engine = graphEngine(dropping);
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
    const leaves = [0, 1, 2, 3].map((rank) =>
      flatGradient(graphEngine(dropping), goldenBlock(rank, 1)),
    );
    const engine = graphEngine({ ...dropping, wire: 'bf16' });
    const packed = engine.computeGradients(goldenBlock(2, 1));
    expect(packed).toBeInstanceOf(Uint16Array);
    expect(unpackGradient(packed, engine.numParameters)).toEqual(bf16Tree(leaves.slice(2, 3)));
    expect(flatGradient(engine, goldenBlock(0, 4))).toEqual(bf16Tree(leaves));
  });

  it('give the same update and digest, held or not, when they travel in bf16', () => {
    const engine = graphEngine({ wire: 'bf16' });
    const request = goldenBlock(0, 4);
    const vector = engine.computeGradients(request).slice();
    const applied = engine.applyGradients(vector);
    const { weights } = engine.readState();
    engine.loadState(goldenState());
    const held = engine.holdGradients(request);
    expect(held.digest).toBe(digestOf(vector));
    expect(held.sums).toEqual(stepSumsOf(vector));
    expect(engine.applyHeldGradients()).toEqual(applied);
    expect(engine.readState().weights).toEqual(weights);
  });

  it('add micro-batches in order, smaller ones than the compiled shape too', () => {
    const batch = goldenBatch(2);
    const microBatches = [sliceBatch(batch, 0, 2), sliceBatch(batch, 2, 4), goldenBatch(3)];
    const request = { ...wholeStep(0, batch), ranks: [{ virtualRank: 0, microBatches }] };
    const expected = eagerly(dropping, (engine) => flatGradient(engine, request));
    const actual = graphEngine(dropping).computeGradients(request);
    expect(relativeError(actual, expected)).toBeLessThan(1e-6);
  });

  it('follow finite differences of the loss', () => {
    const engine = graphEngine();
    const request = wholeStep(0, goldenBatch(0));
    const { gradient } = split(engine, flatGradient(engine, request));
    const state = goldenState();
    const length = Math.hypot(...gradient);
    const lossAlong = (distance: number): number => {
      const weights = state.weights.map((w, index) => w + (distance * gradient[index]!) / length);
      engine.loadState({ ...state, weights });
      const sums = engine.evaluate(goldenBatch(0));
      return (
        sums.maskedLmLoss * request.maskedLmScale +
        sums.nextSentenceLoss * request.nextSentenceScale
      );
    };
    const slope = (lossAlong(0.02) - lossAlong(-0.02)) / 0.04;
    expect(slope / length).toBeCloseTo(1, 2);
  });

  it('are refused for virtual ranks that are not the block, and batches of another shape', () => {
    const engine = graphEngine();
    const request = { ...goldenBlock(0, 2), block: { start: 2, length: 2 } };
    expect(() => flatGradient(engine, request)).toThrow('virtual ranks 0, 1');
    expect(() => flatGradient(engine, wholeStep(0, padBatch(goldenBatch(0), 30)))).toThrow(
      'a graph compiled for 4 x',
    );
  });
});

describe('training on the graph engine', () => {
  it.each(['adamw', 'lamb'] as const)('follows the reference trajectory of %s', (optimizer) => {
    const engine = graphEngine({ optimizer });
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

  it('has the same bits whether the gradient leaves the device or not', () => {
    const engine = graphEngine(dropping);
    const shared = [0, 1].map((step) => {
      const flat = flatGradient(engine, { ...goldenBlock(0, 4), step });
      const { gradientNorm } = engine.applyGradients(flat);
      return { sums: split(engine, flat).sums, digest: digestOf(flat), gradientNorm };
    });
    const expected = engine.readState();
    engine.loadState(goldenState());
    const held = [0, 1].map((step) => {
      const description = engine.holdGradients({ ...goldenBlock(0, 4), step });
      engine.applyHeldGradients();
      return description;
    });
    expect(held).toEqual(shared);
    expect(engine.readState()).toEqual(expected);
  });

  it('goes on with the same bits from a state that was read and loaded', () => {
    const engine = graphEngine(dropping);
    const train = (step: number) =>
      engine.applyGradients(flatGradient(engine, wholeStep(step, goldenBatch(step))));
    [0, 1].forEach(train);
    const state = engine.readState();
    [2, 3].forEach(train);
    const expected = engine.readState();
    engine.loadState(goldenState());
    train(0);
    engine.loadState(state);
    [2, 3].forEach(train);
    expect(engine.readState()).toEqual(expected);
  });

  it('gives the digests of its state, the joined parameters in their places', () => {
    const engine = graphEngine();
    engine.applyGradients(flatGradient(engine, wholeStep(0, goldenBatch(0))));
    const { given, expected } = stateDigestsOf(engine);
    expect(given).toEqual(expected);
  });

  it('shows each flipped bit in the digest of its slice, and in no other', () => {
    const engine = graphEngine();
    const before = Array.from({ length: numStateSlices }, (_, slice) => engine.stateDigest(slice));
    for (const kind of ['weights', 'firstMoments', 'secondMoments'] as const) {
      const state = engine.readState();
      const place = Math.floor(engine.numParameters * 0.7);
      new Uint32Array(state[kind].buffer)[place]! ^= 1;
      engine.loadState(state);
      const changed = before.flatMap((digest, slice) =>
        engine.stateDigest(slice) === digest ? [] : slice,
      );
      expect(changed).toEqual([
        Math.floor(((place + 1) * numStateSlices - 1) / engine.numParameters),
      ]);
      new Uint32Array(state[kind].buffer)[place]! ^= 1;
      engine.loadState(state);
    }
  });

  it('neither keeps nor changes the arrays it is given', () => {
    const engine = graphEngine();
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

  it('reads its state into shared memory, and loads it from there', () => {
    const engine = graphEngine(dropping);
    engine.applyGradients(flatGradient(engine, wholeStep(0, goldenBatch(0))));
    const expected = engine.readState();
    const into = sharedVectors(engine.numParameters);
    expect(engine.readState(into)).toEqual(expected);
    expect(into.secondMoments).toEqual(expected.secondMoments);
    engine.loadState(goldenState());
    engine.loadState({ step: 1, ...into });
    expect(engine.readState()).toEqual(expected);
  });

  it('lets the caller write to what it gave', () => {
    const engine = graphEngine();
    const state = engine.readState();
    state.weights.fill(9);
    flatGradient(engine, wholeStep(0, goldenBatch(0))).fill(9);
    expect(engine.readState().weights).toEqual(goldenState().weights);
  });

  it('holds no tensors between calls', () => {
    const engine = graphEngine(dropping);
    const numBefore = tensorFlow.numTensors();
    for (const step of [0, 1]) {
      engine.applyGradients(flatGradient(engine, { ...goldenBlock(0, 4), step }));
      engine.evaluate(goldenBatch(0));
      engine.readState();
    }
    expect(tensorFlow.numTensors()).toBe(numBefore);
  });

  it('stops at a gradient that is not finite, and applies nothing', () => {
    const engine = graphEngine();
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
    expect(() => graphEngine().loadState(state)).toThrow(
      expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }),
    );
  });
});

/** The ledger's digest, element by element. */
function digestOf(flat: GradientVector): string {
  const bits = new Uint32Array(flat.buffer, flat.byteOffset, flat.byteLength / 4);
  const sums = new Uint32Array(2);
  bits.forEach((word, index) => {
    let hash = (word + Math.imul(index, 0x9e3779b1)) | 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
    hash ^= hash >>> 15;
    sums[0]! += hash;
    hash = Math.imul(hash, 0x846ca68b);
    sums[1]! += hash ^ (hash >>> 16);
  });
  return [...sums].map((sum) => sum.toString(16).padStart(8, '0')).join('');
}

it('uses the digest that the collectives use', () => {
  expect(digestOf(Float32Array.of(1))).toBe('8131abe1e258db73');
  const sevenths = Float32Array.from({ length: 1000 }, (_, index) => Math.fround(index / 7));
  expect(digestOf(sevenths)).toBe('bda996f7ff3a42c0');
});

describe('evaluation on the graph engine', () => {
  it('equals the eager one for batches of any size, with nothing dropped', () => {
    const large = joinBatches([goldenBatch(0), goldenBatch(1), sliceBatch(goldenBatch(2), 0, 1)]);
    const expected = eagerly(dropping, (engine) => engine.evaluate(large));
    const actual = graphEngine(dropping).evaluate(large);
    expect(actual.maskedLmLoss / expected.maskedLmLoss).toBeCloseTo(1, 5);
    expect(actual.nextSentenceLoss / expected.nextSentenceLoss).toBeCloseTo(1, 5);
    const counts = ({ maskedLmLoss: _m, nextSentenceLoss: _n, ...rest }: StepSums) => rest;
    expect(counts(actual)).toEqual(counts(expected));
  });
});

function joinBatches(batches: readonly ExampleBatch[]): ExampleBatch {
  const ints = (pick: (batch: ExampleBatch) => Int32Array): Int32Array =>
    Int32Array.from(batches.flatMap((batch) => [...pick(batch)]));
  return {
    ...batches[0]!,
    batchSize: batches.reduce((total, batch) => total + batch.batchSize, 0),
    inputIds: ints((batch) => batch.inputIds),
    inputMask: ints((batch) => batch.inputMask),
    segmentIds: ints((batch) => batch.segmentIds),
    maskedPositions: ints((batch) => batch.maskedPositions),
    maskedIds: ints((batch) => batch.maskedIds),
    maskedWeights: Float32Array.from(batches.flatMap((batch) => [...batch.maskedWeights])),
    nextSentenceLabels: ints((batch) => batch.nextSentenceLabels),
  };
}
