import { readFileSync } from 'node:fs';
import {
  columnOf,
  lossScalesOf,
  type ColumnData,
  type ExampleBatch,
  type FineTuning,
  type GradientRequest,
  type ParameterSpec,
  type StepSums,
  type Task,
  type TrainingState,
} from '@berth/contracts';
import { fromHuggingFace, huggingFaceName } from '../hugging-face/names.ts';
import { goldenTensors } from './golden.ts';

interface GoldenCase {
  loss: number;
  /** How many are right. */
  correct: number[];
  labels: Record<string, number[]>;
  outputs: Record<string, number[]>;
}

interface FineTuningFile {
  batch: { inputIds: number[]; inputMask: number[]; segmentIds: number[] };
  classWeights: number[];
  heads: Record<string, number[]>;
  cases: Record<string, GoldenCase>;
}

const file = JSON.parse(
  readFileSync(new URL('../../test/golden/fine-tuning.json', import.meta.url), 'utf8'),
) as FineTuningFile;

const labels = ['a', 'b', 'c'];
const batchSize = 4;
const seqLength = file.batch.inputIds.length / batchSize;

/** The cases of the golden file by name, and what each is. */
export const fineTunings: Readonly<Record<string, FineTuning>> = {
  classify: { kind: 'classify', labels },
  'classify-weighted': { kind: 'classify', labels },
  'classify-many': { kind: 'classify-many', labels },
  'classify-many-weighted': { kind: 'classify-many', labels },
  regress: { kind: 'regress' },
  tag: { kind: 'tag', labels },
  answer: { kind: 'answer' },
};

export function goldenCase(name: string): GoldenCase {
  const found = file.cases[name];
  if (found === undefined) throw new RangeError(`golden case ${name}`);
  return found;
}

/** The golden batch with the labels of a case, as columns of its task. */
export function fineTuningBatch(name: string): ExampleBatch {
  const encoder = Object.entries(file.batch).map(([column, values]) => [
    column,
    Int32Array.from(values),
  ]);
  return {
    batchSize,
    seqLength,
    columns: { ...Object.fromEntries(encoder), ...labelColumns(name) },
  };
}

function labelColumns(name: string): Record<string, ColumnData> {
  const { labels: given, start_positions, end_positions } = goldenCase(name).labels;
  switch (fineTunings[name]!.kind) {
    case 'answer':
      return {
        startPositions: Int32Array.from(start_positions!),
        endPositions: Int32Array.from(end_positions!),
      };
    case 'classify-many':
      return {
        labels: Float32Array.from(given!),
        labelWeights: Float32Array.from(given!, (has, at) =>
          has === 1 && name === 'classify-many-weighted'
            ? file.classWeights[at % labels.length]!
            : 1,
        ),
      };
    case 'regress':
      return { targets: Float32Array.from(given!) };
    default: {
      const weightOf = (label: number): number => {
        if (label < 0) return 0;
        return name === 'classify-weighted' ? file.classWeights[label]! : 1;
      };
      return {
        labels: Int32Array.from(given!, (label) => Math.max(0, label)),
        labelWeights: Float32Array.from(given!, weightOf),
      };
    }
  }
}

/** What a batch adds to the sums that losses are divided by. */
export function denominatorsOf(batch: ExampleBatch): StepSums {
  const inside = (column: string): number =>
    Array.from(columnOf(batch, column)).filter((position) => position < batch.seqLength).length;
  const { columns } = batch;
  return {
    numExamples: batch.batchSize,
    // Where classes are numbers: several labels are divided by how many there are.
    ...('labelWeights' in columns &&
      columns['labels'] instanceof Int32Array && {
        labelWeight: Array.from(columns.labelWeights).reduce((total, weight) => total + weight, 0),
      }),
    ...('startPositions' in columns && {
      numStarts: inside('startPositions'),
      numEnds: inside('endPositions'),
    }),
  };
}

/** The whole step of one batch. */
export function fineTuningStep(task: Task, batch: ExampleBatch): GradientRequest {
  return {
    step: 0,
    block: { start: 0, length: 1 },
    ranks: [{ virtualRank: 0, microBatches: [batch] }],
    lossScales: lossScalesOf(task, denominatorsOf(batch)),
  };
}

/** The golden encoder with the head of a case, nothing applied yet. */
export function fineTuningState(name: string, layout: readonly ParameterSpec[]): TrainingState {
  const tensors = goldenTensors('model-micro.safetensors');
  for (const spec of layout) {
    const { name: theirs } = huggingFaceName(spec.name);
    const values = file.heads[`${name}/${theirs}`];
    if (values !== undefined)
      tensors.set(theirs, { shape: spec.shape, data: Float32Array.from(values) });
  }
  const weights = fromHuggingFace(layout, tensors);
  return {
    step: 0,
    weights,
    firstMoments: new Float32Array(weights.length),
    secondMoments: new Float32Array(weights.length),
  };
}

/** The gradient of a case in layout order. */
export function fineTuningGradient(name: string, layout: readonly ParameterSpec[]): Float32Array {
  const prefix = `${name}/`;
  const own = [...goldenTensors('fine-tuning-grads.safetensors')]
    .filter(([tensor]) => tensor.startsWith(prefix))
    .map(([tensor, value]) => [tensor.slice(prefix.length), value] as const);
  if (own.length !== layout.length)
    throw new RangeError(`${own.length} gradients of ${name} for ${layout.length} parameters`);
  return fromHuggingFace(layout, new Map(own));
}
