import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { vectorDigest } from '@berth/collectives';
import type { GradientRequest, TrainingEngine } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { madeUpBatch } from '@berth/model';
import { describe, expect, it } from 'vitest';
import { createEngine, type EngineSpec } from './create-engine.ts';
import { warmUp } from './warm-up.ts';

const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });

const spec: EngineSpec = {
  task: 'pretraining',
  model: {
    vocabSize: 101,
    hiddenSize: 24,
    numLayers: 1,
    numHeads: 2,
    intermediateSize: 48,
    maxPositions: 32,
    typeVocabSize: 2,
    hiddenAct: 'gelu_new',
    hiddenDropoutRatio: 0.1,
    attentionDropoutRatio: 0.1,
    initializerRange: 0.02,
    layerNormEps: 1e-12,
  },
  optimizer: {
    name: 'adamw',
    learningRate: 1e-3,
    numWarmupSteps: 10,
    schedule: 'linear',
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-6,
    weightDecay: 0.01,
    clipNorm: 1,
  },
  train: {
    numSteps: 100,
    virtualRanks: 4,
    engine: 'graph',
    precision: 'fp32',
    allReduceDtype: 'fp32',
  },
  seed: 7,
  shapes: [{ batchSize: 3, maxSeqLength: 21, maxPredictions: 4 }],
};
const eager: EngineSpec = { ...spec, train: { ...spec.train, engine: 'eager' } };

/** Opening a compiled engine takes seconds, so one serves for all that is asked of such. */
describe.each([
  ['graph', spec],
  ['eager', eager],
])('a warm engine: %s', (_, given) => {
  it('has the same fingerprint every time, and trains as one that never was warm', () => {
    const engine = createEngine(given, tensorFlow);
    const cold = digestsOfTraining(engine, given);
    const fingerprint = warmUp(engine, given);
    expect(fingerprint).toMatch(/^[0-9a-f]{32,}$/);
    expect(digestsOfTraining(engine, given)).toEqual(cold);
    expect(warmUp(engine, given)).toBe(fingerprint);
    engine.dispose();
  });
});

describe('a fingerprint', () => {
  const honest = fingerprintOf(eager);

  it.each<[string, Partial<EngineSpec>]>([
    ['optimizer', { optimizer: { ...eager.optimizer, weightDecay: 0.0101 } }],
    ['dropout', { model: { ...eager.model, hiddenDropoutRatio: 0.2 } }],
    ['activation', { model: { ...eager.model, hiddenAct: 'gelu' } }],
    ['shape', { shapes: [{ ...eager.shapes[0]!, maxSeqLength: 22 }] }],
  ])('is another one with another %s', (_, change) => {
    expect(fingerprintOf({ ...eager, ...change })).not.toBe(honest);
  });

  it('shows a bit of the weights that an update moves otherwise', () => {
    const other = fingerprintOf(eager, (engine) => {
      const apply = engine.applyGradients.bind(engine);
      engine.applyGradients = (reduced) => {
        const result = apply(reduced);
        engine.applyGradients = apply;
        const state = engine.readState();
        new Uint32Array(state.weights.buffer)[11]! ^= 1;
        engine.loadState(state);
        return result;
      };
    });
    expect(other.slice(0, 16)).toBe(honest.slice(0, 16));
    expect(other.slice(16)).not.toBe(honest.slice(16));
  });

  it('is another one at another instruction set level', () => {
    const env = { ...process.env, XLA_FLAGS: '', TF_XLA_FLAGS: '', ONEDNN_MAX_CPU_ISA: 'AVX' };
    const script = fileURLToPath(new URL('../../test/fingerprint.mjs', import.meta.url));
    const args = [script, JSON.stringify(eager)];
    const options = { env, encoding: 'utf8', stdio: 'pipe' } as const;
    const lowered = execFileSync(process.execPath, args, options).trim();
    expect(lowered).toMatch(/^[0-9a-f]{32,}$/);
    expect(lowered).not.toBe(honest);
  });
});

function fingerprintOf(given: EngineSpec, change?: (engine: TrainingEngine) => void): string {
  const engine = createEngine(given, tensorFlow);
  change?.(engine);
  try {
    return warmUp(engine, given);
  } finally {
    engine.dispose();
  }
}

/** Of what two steps give, held or read, and of the state after them. */
function digestsOfTraining(engine: TrainingEngine, given: EngineSpec): string[] {
  engine.initialize(3);
  const digests = [0, 1].map((step) => {
    const request = requestOf(engine, given, step);
    const held = engine.holdGradients?.(request).digest;
    const gradient = engine.computeGradients(request);
    const digest = vectorDigest(gradient);
    expect(held ?? digest).toBe(digest);
    engine.applyGradients(gradient);
    return digest;
  });
  const { weights, firstMoments, secondMoments } = engine.readState();
  return [...digests, ...[weights, firstMoments, secondMoments].map(vectorDigest)];
}

function requestOf(
  { task }: TrainingEngine,
  { shapes: [shape], model }: EngineSpec,
  step: number,
): GradientRequest {
  const ranks = [0, 1].map((virtualRank) => ({
    virtualRank,
    microBatches: [madeUpBatch(task, shape!, model.vocabSize, 10 * step + virtualRank)],
  }));
  return {
    step,
    block: { start: 0, length: 2 },
    ranks,
    lossScales: { masked_lm: 0.04, next_sentence: 0.16 },
  };
}
