import { readFileSync } from 'node:fs';
import type { BatchShape, ExampleBatch, ModelConfig, OptimizerConfig } from '@berth/contracts';
import { fromHuggingFace, type HuggingFaceTensor } from '../hugging-face/names.ts';
import { parameterLayout } from '../parameters/parameter-layout.ts';
import { pretrainingModel } from '../tasks/pretraining/pretraining-model.ts';

interface GoldenBatch {
  inputIds: number[][];
  inputMask: number[][];
  segmentIds: number[][];
  maskedLmPositions: number[][];
  maskedLmIds: number[][];
  maskedLmWeights: number[][];
  nextSentenceLabels: number[];
}

interface GoldenStep {
  step: number;
  learningRate: number;
  loss: number;
  globalGradNorm: number;
}

interface GoldenFile {
  batches: GoldenBatch[];
  batch0: {
    sequenceOutput: number[][][];
    pooledOutput: number[][];
    mlmLogits: number[][][];
    nspLogits: number[][];
    mlmLossNumerator: number;
    mlmWeightSum: number;
    nextSentenceLoss: number;
    loss: number;
    maskedLmAccuracy: number;
    nextSentenceAccuracy: number;
    globalGradNorm: number;
  };
  trajectory: Record<OptimizerConfig['name'], { steps: GoldenStep[] }>;
  huggingFaceStateDict: Record<string, number[]>;
}

const folder = new URL('../../test/golden/', import.meta.url);

/** Batches, outputs and trajectories of the reference model, computed in float64 (test/golden/README.md). */
export const golden = JSON.parse(
  readFileSync(new URL('model-micro.json', folder), 'utf8'),
) as GoldenFile;

/** The reference model: dropout off. */
export const microConfig: ModelConfig = {
  vocabSize: 97,
  hiddenSize: 16,
  numLayers: 2,
  numHeads: 2,
  intermediateSize: 64,
  maxPositions: 32,
  typeVocabSize: 2,
  hiddenAct: 'gelu_new',
  hiddenDropoutRatio: 0,
  attentionDropoutRatio: 0,
  initializerRange: 0.02,
  layerNormEps: 1e-12,
};

export const microLayout = parameterLayout(microConfig, pretrainingModel);

/** The optimizer of the reference trajectories, ten steps long. */
export function goldenOptimizer(name: OptimizerConfig['name']): OptimizerConfig {
  return {
    name,
    learningRate: 0.01,
    numWarmupSteps: 3,
    schedule: 'google',
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-6,
    weightDecay: 0.01,
    clipNorm: 1,
  };
}

/** That of the golden batches. */
export const goldenShape: BatchShape = { batchSize: 4, maxSeqLength: 16, maxPredictions: 4 };

export function goldenBatch(index: number): ExampleBatch {
  const batch = golden.batches[index];
  if (batch === undefined) throw new RangeError(`golden batch ${index}`);
  return {
    batchSize: batch.inputIds.length,
    seqLength: batch.inputIds[0]?.length ?? 0,
    columns: {
      inputIds: Int32Array.from(batch.inputIds.flat()),
      inputMask: Int32Array.from(batch.inputMask.flat()),
      segmentIds: Int32Array.from(batch.segmentIds.flat()),
      maskedPositions: Int32Array.from(batch.maskedLmPositions.flat()),
      maskedIds: Int32Array.from(batch.maskedLmIds.flat()),
      maskedWeights: Float32Array.from(batch.maskedLmWeights.flat()),
      nextSentenceLabels: Int32Array.from(batch.nextSentenceLabels),
    },
  };
}

/** A golden safetensors file as a flat vector in layout order. */
export function goldenFlat(file: string): Float32Array {
  return fromHuggingFace(microLayout, goldenTensors(file));
}

export function goldenTensors(file: string): Map<string, HuggingFaceTensor> {
  const bytes = readFileSync(new URL(file, folder));
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: 'F32' | 'F64'; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return new Map(
    tensors.map(([name, { dtype, shape, data_offsets }]) => {
      const [begin, end] = data_offsets.map((offset) => 8 + headerLength + offset) as [
        number,
        number,
      ];
      const data = bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + end);
      const values = dtype === 'F64' ? new Float64Array(data) : new Float32Array(data);
      return [name, { shape, data: Float32Array.from(values) }];
    }),
  );
}

/** |actual - expected| / |expected|, Euclidean. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let length = 0;
  for (let index = 0; index < expected.length; index++) {
    const wanted = expected[index] ?? 0;
    difference += ((actual[index] ?? Number.NaN) - wanted) ** 2;
    length += wanted ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / length);
}

/** The tensors of a layout whose relative error, each by its own norm, is not below the tolerance. */
export function tensorsBeyond(
  tolerance: number,
  actual: Float32Array,
  expected: Float32Array,
  specs = microLayout,
): { name: string; error: number }[] {
  return specs
    .map(({ name, offset, size }) => {
      const part = (flat: Float32Array) => flat.subarray(offset, offset + size);
      return { name, error: relativeError(part(actual), part(expected)) };
    })
    .filter(({ error }) => !(error < tolerance));
}
