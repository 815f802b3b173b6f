import {
  BerthError,
  requireSameHead,
  type FineTuning,
  type ModelConfig,
  type ParameterSpec,
  type TrainingState,
} from '@berth/contracts';
import { initialState } from '../engine-state.ts';
import type { TaskModel } from '../tasks/task-model.ts';
import { parameterLayout } from './parameter-layout.ts';

/** Weights of another training by Google's names. */
export type StoredWeights = ReadonlyMap<
  string,
  { readonly shape: readonly number[]; readonly values: Float32Array }
>;

export interface ContinueOptions {
  readonly task: Pick<TaskModel, 'headShapes' | 'vocabularyParameters'>;
  /** Of the run that begins. */
  readonly model: ModelConfig;
  readonly seed: number;
  readonly weights: StoredWeights;
  /** For each entry of the vocabulary that the weights' lacks: the entries there that it was until now. */
  readonly oldEntries: ReadonlyMap<number, readonly number[]>;
  /** What the weights' head is for, and the run's, where both are fine-tuned. */
  readonly heads?: { readonly stored: FineTuning; readonly begun: FineTuning };
}

/** What a run begins as, and where that comes from. */
export interface Continued {
  readonly state: TrainingState;
  /** Parameters that the weights lack: as drawn from the seed. */
  readonly fresh: readonly string[];
  /** Parameters that the run has no use for. */
  readonly unused: readonly string[];
}

const words = 'bert/embeddings/word_embeddings';
const positions = 'bert/embeddings/position_embeddings';

/**
 * The state that a run begins with stored weights: those, no moments, step 0. A pure function of its arguments, to the bit.
 * - A row of a new entry of the vocabulary, of the word table and of what else has one for each, is the mean of those of its old
 *   entries. The decoder is the word table, so it has these rows too.
 * - Positions beyond the stored ones are those again, from the first (as in Longformer, arXiv 2004.05150, section 5).
 * - What the weights lack is as in a run that begins from the seed.
 * @throws BerthError `CHECKPOINT_MISMATCH` when the weights are of another shape, or their head is for something else
 */
export function continueFrom(options: ContinueOptions): Continued {
  const { task, model, seed, weights, oldEntries, heads } = options;
  if (heads !== undefined) requireSameHead(heads.stored, heads.begun);
  const layout = parameterLayout(model, task);
  const state = initialState(layout, model, seed);
  const perEntry = new Set([words, ...task.vocabularyParameters]);
  const ofHead = new Set(task.headShapes(model).map(([name]) => name));
  const fresh: string[] = [];
  for (const spec of layout) {
    const stored = weights.get(spec.name);
    if (stored === undefined) {
      fresh.push(spec.name);
      continue;
    }
    checkShape(spec, stored.shape, perEntry.has(spec.name), ofHead.has(spec.name));
    const target = state.weights.subarray(spec.offset, spec.offset + spec.size);
    const width = spec.size / (spec.shape[0] ?? 1);
    target.set(stored.values.subarray(0, spec.size));
    if (perEntry.has(spec.name))
      for (const [entry, old] of oldEntries) meanOfRows(target, stored.values, entry, old, width);
    else if (spec.name === positions)
      for (let end = stored.values.length; end < spec.size; end += stored.values.length)
        target.set(stored.values.subarray(0, spec.size - end), end);
  }
  const names = new Set(layout.map(({ name }) => name));
  return { state, fresh, unused: [...weights.keys()].filter((name) => !names.has(name)) };
}

function meanOfRows(
  target: Float32Array,
  stored: Float32Array,
  row: number,
  old: readonly number[],
  width: number,
): void {
  for (let column = 0; column < width; column++) {
    let sum = 0;
    for (const entry of old) sum += stored[entry * width + column] ?? 0;
    target[row * width + column] = sum / old.length;
  }
}

/** Rows may have been added to tables; all else is equal. */
function checkShape(
  { name, shape }: ParameterSpec,
  stored: readonly number[],
  hasEntries: boolean,
  isOfHead: boolean,
): void {
  const mayGrow = hasEntries || name === positions;
  const [rows = 0, ...row] = shape;
  const [storedRows = 0, ...storedRow] = stored;
  const fits = mayGrow ? storedRows > 0 && storedRows <= rows : storedRows === rows;
  const isSameRow = String(row) === String(storedRow);
  if (fits && isSameRow) return;
  // The encoder comes first, and it fitted.
  const isOutputs = isOfHead && !hasEntries && isSameRow;
  throw new BerthError(
    'CHECKPOINT_MISMATCH',
    `The model to begin with has ${name} as [${stored.join(', ')}], this run as [${shape.join(', ')}]: ` +
      (isOutputs
        ? 'its head is for another number of labels; give the run the labels of that model, or leave its head (init.newHead: true)'
        : 'leave the model section out, and it is that of the model'),
    { details: { name } },
  );
}
