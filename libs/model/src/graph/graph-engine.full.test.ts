import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TrainingEngine } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { afterEach, describe, expect, it } from 'vitest';
import { createEagerEngine } from '../eager/eager-engine.ts';
import { relativeError } from '../testing/golden.ts';
import { sizedOptions, sizedRequest, sizedShape } from '../testing/sized-models.ts';
import { flatGradient } from '../testing/flat-gradient.ts';
import { createGraphEngine, type GraphEngine } from './graph-engine.ts';

const tensorFlow = startTensorFlow({ numThreads: 1 });
const engines: TrainingEngine[] = [];
const timeoutMs = 600_000;

afterEach(() => {
  engines.splice(0).forEach((engine) => engine.dispose());
});

function graphEngine(
  size: 'tiny' | 'mini',
  precision: 'fp32' | 'bf16' = 'fp32',
  hiddenAct: 'gelu' | 'gelu_new' = 'gelu_new',
): GraphEngine {
  const options = sizedOptions(size, precision);
  const model = { ...options.model, hiddenAct };
  const engine = createGraphEngine({ ...options, model, tensorFlow, shape: sizedShape });
  engines.push(engine);
  engine.initialize(7);
  return engine;
}

function eagerGradient(
  size: 'tiny' | 'mini',
  hiddenAct: 'gelu' | 'gelu_new' = 'gelu_new',
): Float32Array {
  const options = sizedOptions(size, 'fp32');
  const model = { ...options.model, hiddenAct };
  const engine = createEagerEngine({ ...options, model });
  engines.push(engine);
  engine.initialize(7);
  return flatGradient(engine, sizedRequest(model, 3));
}

describe('the graph engine at published sizes', () => {
  it.each([
    ['tiny', 'gelu_new'],
    ['mini', 'gelu_new'],
    ['tiny', 'gelu'],
  ] as const)(
    'gives the gradients and sums of the eager engine: %s, %s',
    (size, hiddenAct) => {
      const engine = graphEngine(size, 'fp32', hiddenAct);
      const actual = flatGradient(engine, sizedRequest(sizedOptions(size, 'fp32').model, 3));
      const expected = eagerGradient(size, hiddenAct);
      const { numParameters } = engine;
      const parts = (flat: Float32Array) =>
        [flat.subarray(0, numParameters), flat.subarray(numParameters)] as const;
      const [gradient, sums] = parts(actual);
      const [expectedGradient, expectedSums] = parts(expected);
      expect(relativeError(gradient, expectedGradient)).toBeLessThan(1e-6);
      expect(relativeError(sums, expectedSums)).toBeLessThan(1e-6);
    },
    timeoutMs,
  );

  it(
    'gives in bf16 the gradients of fp32 to 1 %',
    () => {
      const request = sizedRequest(sizedOptions('mini', 'fp32').model, 3);
      const half = graphEngine('mini', 'bf16');
      const expected = graphEngine('mini')
        .computeGradients(request)
        .subarray(0, half.numParameters);
      const actual = flatGradient(half, request).subarray(0, half.numParameters);
      expect(relativeError(actual, expected)).toBeLessThan(0.01);
    },
    timeoutMs,
  );

  it.each(['fp32', 'bf16'] as const)(
    'has the same bits in every process: %s',
    (precision) => {
      const [one, again] = [1, 1].map(() => weightsDigest('tiny', precision, 2));
      expect(again).toBe(one);
    },
    timeoutMs,
  );

  it(
    'holds no more memory after 2,000 steps than after 200',
    () => {
      const engine = graphEngine('tiny');
      const { model } = sizedOptions('tiny', 'fp32');
      const measured = [200, 1_800].map((numSteps) => {
        for (let step = 0; step < numSteps; step++) {
          engine.holdGradients(sizedRequest(model, step));
          engine.applyHeldGradients();
        }
        return { rss: process.memoryUsage.rss(), numTensors: tensorFlow.numTensors() };
      });
      const [early, late] = measured;
      expect(late!.numTensors).toBe(early!.numTensors);
      expect(late!.rss / early!.rss).toBeLessThan(1.1);
    },
    timeoutMs,
  );
});

function weightsDigest(size: string, precision: string, numThreads: number): string {
  const program = fileURLToPath(new URL('../testing/train-and-digest.ts', import.meta.url));
  const args = [
    '--conditions=@berth/source',
    '--import',
    'tsx',
    program,
    size,
    precision,
    String(numThreads),
  ];
  return execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}
