import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  examplesOf,
  numStateSlices,
  stepSumsOf,
  type GradientVector,
  type TrainingEngine,
} from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { afterAll, describe, expect, it } from 'vitest';
import { createEagerEngine } from '../eager/eager-engine.ts';
import { describeEngine } from '../testing/engine-contract.ts';
import {
  dropping,
  lossOf,
  optionsOf,
  splitGradient,
  type EngineVariant,
} from '../testing/engine-variants.ts';
import { flatGradient } from '../testing/flat-gradient.ts';
import { goldenBatch, goldenShape as shape, relativeError } from '../testing/golden.ts';
import { goldenBlock, goldenState, padBatch, wholeStep } from '../testing/requests.ts';
import { createGraphEngine, type GraphEngine } from './graph-engine.ts';

const tensorFlow = startTensorFlow({ numThreads: 1 });
const cacheFolder = mkdtempSync(join(tmpdir(), 'berth-engine-'));
const graphEngines = new Map<string, GraphEngine>();

afterAll(() => {
  graphEngines.forEach((engine) => engine.dispose());
  rmSync(cacheFolder, { recursive: true });
});

/** An engine in the golden state. Compiling takes seconds, so tests share one per variant. */
function graphEngine(variant: EngineVariant = {}): GraphEngine {
  const options = optionsOf(variant);
  const key = JSON.stringify(options);
  const engine =
    graphEngines.get(key) ?? createGraphEngine({ ...options, tensorFlow, shape, cacheFolder });
  graphEngines.set(key, engine);
  engine.loadState(goldenState());
  return engine;
}

/** What an eager engine of the same options makes of it. */
function eagerly<T>(variant: EngineVariant, use: (engine: TrainingEngine) => T): T {
  const engine = createEagerEngine(optionsOf(variant));
  engine.loadState(goldenState());
  const result = use(engine);
  engine.dispose();
  return result;
}

describe('the graph engine', () => {
  describeEngine(graphEngine);
});

describe('gradients of the graph engine', () => {
  it('equal those of the eager engine with dropout, so the masks are the same', () => {
    const request = goldenBlock(0, 4);
    const expected = eagerly(dropping, (engine) => flatGradient(engine, request));
    const actual = graphEngine(dropping).computeGradients(request);
    expect(relativeError(actual, expected)).toBeLessThan(1e-6);
  });

  it('give the same update and digest, held or not, when they travel in bf16', () => {
    const engine = graphEngine({ ...dropping, allReduceDtype: 'bf16' });
    const request = goldenBlock(0, 4);
    const vector = engine.computeGradients(request).slice();
    const applied = engine.applyGradients(vector);
    const { weights } = engine.readState();
    engine.loadState(goldenState());
    const held = engine.holdGradients(request);
    expect(held.digest).toBe(digestOf(vector));
    expect(held.sums).toEqual(stepSumsOf(engine.task.sums, vector));
    expect(engine.applyHeldGradients()).toEqual(applied);
    expect(engine.readState().weights).toEqual(weights);
  });

  it('add micro-batches in order, smaller ones than the compiled shape too', () => {
    const batch = goldenBatch(2);
    const microBatches = [examplesOf(batch, 0, 2), examplesOf(batch, 2, 4), goldenBatch(3)];
    const request = { ...wholeStep(0, batch), ranks: [{ virtualRank: 0, microBatches }] };
    const expected = eagerly(dropping, (engine) => flatGradient(engine, request));
    const actual = graphEngine(dropping).computeGradients(request);
    expect(relativeError(actual, expected)).toBeLessThan(1e-6);
  });

  it('follow finite differences of the loss', () => {
    const engine = graphEngine();
    const request = wholeStep(0, goldenBatch(0));
    const { gradient } = splitGradient(engine, flatGradient(engine, request));
    const state = goldenState();
    const length = Math.hypot(...gradient);
    const lossAlong = (distance: number): number => {
      const weights = state.weights.map((w, index) => w + (distance * gradient[index]!) / length);
      engine.loadState({ ...state, weights });
      return lossOf(engine.evaluate(goldenBatch(0)), request);
    };
    const slope = (lossAlong(0.02) - lossAlong(-0.02)) / 0.04;
    expect(slope / length).toBeCloseTo(1, 2);
  });

  it('are refused for batches of another shape', () => {
    const request = wholeStep(0, padBatch(goldenBatch(0), 30));
    expect(() => flatGradient(graphEngine(), request)).toThrow('a graph compiled for 4 with 16');
  });
});

describe('training on the graph engine', () => {
  it('has the same bits whether the gradient leaves the device or not', () => {
    const engine = graphEngine(dropping);
    const shared = [0, 1].map((step) => {
      const flat = flatGradient(engine, { ...goldenBlock(0, 4), step });
      const { gradientNorm } = engine.applyGradients(flat);
      return { sums: splitGradient(engine, flat).sums, digest: digestOf(flat), gradientNorm };
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

  it('holds no tensors between calls', () => {
    const engine = graphEngine(dropping);
    const numBefore = tensorFlow.numTensors();
    for (const step of [0, 1]) {
      engine.applyGradients(flatGradient(engine, { ...goldenBlock(0, 4), step }));
      engine.evaluate(goldenBatch(0));
      engine.predict(goldenBatch(0));
      engine.readState();
    }
    expect(tensorFlow.numTensors()).toBe(numBefore);
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
