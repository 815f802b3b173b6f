import { openModel as openStoredModel, readModel } from '@berth/checkpoint';
import {
  BerthError,
  runConfigSchema,
  taskNameOf,
  type DatasetManifest,
  type ExamplesConfig,
  type FineTuning,
  type LabelledDataset,
  type ModelPlace,
  type ObjectStore,
  type ParameterSpec,
  type ReadingSettings,
  type Task,
  type TokenPrediction,
} from '@berth/contracts';
import { createTokenizer, type Tokenizer } from '@berth/data';
import {
  openCheckpoint,
  parametersOf,
  readAnyFolder,
  sourceOf,
  type ModelSource,
} from '@berth/hugging-face';
import { createForwardEngine, fineTuningModel, taskModels, type ForwardEngine } from '@berth/model';

/** A trained model that is loaded and can be asked. */
export interface OpenModel {
  /** For people: which step of which run, or which folder. */
  readonly where: string;
  readonly source: ModelSource;
  readonly tokenizer: Tokenizer;
  readonly engine: ForwardEngine;
  /** How texts become the examples that it is evaluated on. */
  readonly examples: ExamplesConfig;
  /** As the run's record has it. */
  readonly exampleFormat: string | undefined;
  /** Of the run that it is of, where that learnt from a corpus. */
  readonly dataset: DatasetManifest | undefined;
  /** The same of one that was fine-tuned. */
  readonly labelled: LabelledDataset | undefined;
  /** Why a folder's head cannot be used, where it has one that berth does not know. */
  readonly headProblem: string | undefined;
  /** How that reads rows; all is left out where nobody knows. */
  readonly reading: ReadingSettings;
  dispose(): void;
}

/**
 * Loads a model, with all of its weights verified as far as its place allows.
 * @throws BerthError `CHECKPOINT_*`, `CONFIG_INVALID` or `DATA_VOCABULARY_INVALID` when there is none, and what the store throws
 */
export async function openModel(store: () => ObjectStore, place: ModelPlace): Promise<OpenModel> {
  const { source, dataset, labelled, headProblem } = await openPlace(store, place);
  const { model, vocabulary, doLowerCase, where } = source;
  const examples =
    place.kind === 'checkpoint' ? place.examples : defaultExamples(model.maxPositions);
  const task =
    source.fineTuning === undefined
      ? taskModels[taskNameOf(examples)]
      : fineTuningModel(source.fineTuning);
  const weights = parametersOf(source);
  const engine = await createForwardEngine({
    task,
    model,
    read: async (parameter) => {
      if (source.missing.has(parameter.name)) return new Float32Array(parameter.size);
      return nextOf(weights, parameter, where);
    },
  });
  // What is behind the last parameter proves them all.
  await weights.next();
  const tokenizer = createTokenizer(vocabulary, { doLowerCase });
  const exampleFormat = place.kind === 'checkpoint' ? place.exampleFormat : undefined;
  const reading = (place.kind === 'checkpoint' ? place.reading : undefined) ?? {};
  const dispose = (): void => engine.dispose();
  return {
    where,
    source,
    tokenizer,
    engine,
    examples,
    exampleFormat,
    dataset,
    labelled,
    headProblem,
    reading,
    dispose,
  };
}

async function openPlace(
  store: () => ObjectStore,
  place: ModelPlace,
): Promise<Pick<OpenModel, 'source' | 'dataset' | 'labelled' | 'headProblem'>> {
  const none = { dataset: undefined, labelled: undefined, headProblem: undefined };
  if (place.kind === 'folder') {
    const { folder, headProblem } = await readAnyFolder(place.path);
    return { ...none, source: folder, headProblem };
  }
  if (place.kind === 'stored') {
    const bucket = store();
    const stored = await openStoredModel(bucket, await readModel(bucket, place.modelId));
    return { ...none, source: sourceOf(stored) };
  }
  const source = await openCheckpoint(store(), place.manifestKey);
  const { dataset } = source;
  return 'fineTuning' in dataset
    ? { ...none, source, labelled: dataset }
    : { ...none, source, dataset };
}

async function nextOf(
  weights: AsyncGenerator<readonly [ParameterSpec, Float32Array]>,
  { name }: ParameterSpec,
  where: string,
): Promise<Float32Array> {
  const next = await weights.next();
  if (next.done !== true && next.value[0].name === name) return next.value[1];
  throw new BerthError('CHECKPOINT_MISMATCH', `The weights of ${where} have no ${name}`);
}

/** Of a folder, which does not say what it was trained on. */
function defaultExamples(maxPositions: number): ExamplesConfig {
  const all = runConfigSchema.shape.examples.parse({});
  return { ...all, maxSeqLength: Math.min(all.maxSeqLength, maxPositions) };
}

/**
 * How a model predicts tokens.
 * @throws BerthError `MODEL_UNSUITABLE` when it does not, or lacks that part of its head
 */
export function tokenPredictionOf({ engine, source, where }: OpenModel): TokenPrediction {
  const { tokenPrediction, losses, name } = engine.task;
  const term = losses.find((loss) => loss.name === tokenPrediction?.loss);
  if (source.fineTuning !== undefined)
    throw unsuitable(where, `it is fine-tuned to ${name}: ask it with berth predict`);
  if (tokenPrediction === undefined || term === undefined)
    throw unsuitable(where, `its task, ${name}, predicts no tokens`);
  const missing = missingFor(term.parameters, source);
  if (missing !== undefined)
    throw unsuitable(
      where,
      `it lacks ${missing} and the rest of the head that predicts tokens, so it is an encoder only`,
    );
  return tokenPrediction;
}

/**
 * What a model is fine-tuned for.
 * @throws BerthError `MODEL_UNSUITABLE` when it is not
 */
export function fineTuningOf({ source, where, headProblem }: OpenModel): FineTuning {
  if (source.fineTuning !== undefined) return source.fineTuning;
  throw unsuitable(
    where,
    headProblem ?? 'it is not fine-tuned, so it has no head that says anything of a text',
  );
}

/** As `defaultWindows` has it: what a model reads of a context at a time, unless it was trained otherwise. */
const defaultWindowLength = 384;

/**
 * Tokens of an example of a fine-tuned model: those that are asked for, as it was trained, or what it takes where nobody knows.
 * @throws BerthError `MODEL_INPUT_INVALID` when it lacks positions for what is asked
 */
export function lengthOf(
  { source, labelled, where }: OpenModel,
  asked: number | undefined,
): number {
  const { model, fineTuning } = source;
  const { maxPositions } = model;
  if (asked !== undefined && asked > maxPositions)
    throw new BerthError(
      'MODEL_INPUT_INVALID',
      `Examples of up to ${asked} tokens are too long: ${where} takes at most ${maxPositions}`,
    );
  if (asked !== undefined) return asked;
  if (labelled !== undefined) return labelled.maxSeqLength;
  return fineTuning?.kind === 'answer' ? Math.min(maxPositions, defaultWindowLength) : maxPositions;
}

/** @throws BerthError `MODEL_UNSUITABLE` when what is asked is of pre-training, and it is fine-tuned */
export function requireNotFineTuned({ source, where }: OpenModel): void {
  if (source.fineTuning === undefined) return;
  throw unsuitable(
    where,
    `it is fine-tuned to ${source.fineTuning.kind}, so it is measured on rows with labels: berth eval`,
  );
}

/** The names of the loss terms whose part of the head a model has. */
export function presentTerms(task: Task, source: ModelSource): string[] {
  return task.losses
    .filter(({ parameters }) => missingFor(parameters, source) === undefined)
    .map(({ name }) => name);
}

/** @throws BerthError `MODEL_UNSUITABLE` when it lacks the layer that makes one vector of a text */
export function requirePooler({ source, where }: OpenModel): void {
  const hasPooler = source.layout.some(({ name }) => name.startsWith('bert/pooler/'));
  if (hasPooler && missingFor(['bert/pooler/'], source) === undefined) return;
  throw unsuitable(where, 'it has no pooler; ask for the mean of its hidden states');
}

function missingFor(beginnings: readonly string[], source: ModelSource): string | undefined {
  return [...source.missing].find((name) => beginnings.some((start) => name.startsWith(start)));
}

function unsuitable(where: string, why: string): BerthError {
  return new BerthError('MODEL_UNSUITABLE', `${where} cannot do this: ${why}`);
}
