import { createHash } from 'node:crypto';
import type { TrainedModel } from '@berth/checkpoint';
import {
  BerthError,
  type FineTuning,
  type ModelConfig,
  type ParameterSpec,
} from '@berth/contracts';
import { parseVocabulary, serializeVocabulary, type Vocabulary } from '@berth/data';
import { fineTuningModel, parameterLayout, taskModels } from '@berth/model';

/** A trained model with what berth knows of its shape: which parameters there are, and what its vocabulary says. */
export interface ModelSource {
  /** For people: which folder, or which step of which run. */
  readonly where: string;
  readonly model: ModelConfig;
  /** As many entries as the word table has rows. */
  readonly vocabulary: Vocabulary;
  readonly doLowerCase: boolean;
  /** What it is fine-tuned for; left out where its head, if any, is of pre-training. */
  readonly fineTuning?: FineTuning;
  /** All parameters that a model of this shape has with the head of its task. */
  readonly layout: readonly ParameterSpec[];
  /** Names of those that are not there, such as the heads of a bare encoder. */
  readonly missing: ReadonlySet<string>;
  /** SHA-256 over all weights as little-endian fp32 in layout order, where something says what they should be. */
  readonly weightsDigest?: string;
  /**
   * The values of a parameter of the layout, shaped as that says; asked for in its order, each byte is read once and little is
   * held.
   * @throws BerthError `CHECKPOINT_CORRUPT` when they are damaged or cannot be read
   */
  read(parameter: ParameterSpec): Promise<Float32Array>;
}

/**
 * A model of the bucket as a source.
 * @throws BerthError `CHECKPOINT_CORRUPT` when it lacks a part of its encoder, or of the head that it is fine-tuned with,
 * `DATA_VOCABULARY_INVALID`
 */
export function sourceOf(trained: TrainedModel): ModelSource {
  const { where, model, doLowerCase, fineTuning, vocabulary, parameters, weightsDigest } = trained;
  const damaged = (why: string): BerthError =>
    new BerthError('CHECKPOINT_CORRUPT', `The weights of ${where} are damaged: ${why}`);
  const task = fineTuning === undefined ? taskModels.pretraining : fineTuningModel(fineTuning);
  const layout = parameterLayout(model, task);
  const present = new Set(parameters);
  const missing = layout.map(({ name }) => name).filter((name) => !present.has(name));
  const lost = missing.find(
    (name) => fineTuning !== undefined || /^bert\/(embeddings|encoder)\//.test(name),
  );
  if (lost !== undefined) throw damaged(`they lack ${lost}`);
  return {
    where,
    model,
    vocabulary: parseVocabulary(vocabulary.bytes, `the vocabulary of ${where}`),
    doLowerCase,
    ...(fineTuning && { fineTuning }),
    layout,
    missing: new Set(missing),
    ...(weightsDigest !== undefined && { weightsDigest }),
    async read({ name, shape }) {
      const found = await trained.read(name);
      if (found.shape.join() === shape.join()) return found.values;
      throw damaged(`${name} should be [${shape.join(', ')}]`);
    },
  };
}

/** A source as it is stored in the bucket. */
export function trainedModelOf(source: ModelSource): TrainedModel {
  const { where, model, doLowerCase, fineTuning, vocabulary, layout, missing, weightsDigest } =
    source;
  const present = new Map(
    layout.filter(({ name }) => !missing.has(name)).map((spec) => [spec.name, spec]),
  );
  return {
    where,
    model,
    doLowerCase,
    ...(fineTuning && { fineTuning }),
    vocabulary: {
      bytes: serializeVocabulary(vocabulary),
      numTokens: vocabulary.tokens.length,
    },
    parameters: [...present.keys()],
    async read(name) {
      const spec = present.get(name);
      if (spec === undefined) throw new TypeError(`${where} has no ${name}`);
      return { shape: spec.shape, values: await source.read(spec) };
    },
    ...(weightsDigest !== undefined && { weightsDigest }),
  };
}

/**
 * All parameters that are there with their values, in layout order, one by one; at the end they are proven to be those that
 * the source should have.
 * @throws BerthError as `read`
 */
export async function* parametersOf(
  source: ModelSource,
): AsyncGenerator<readonly [ParameterSpec, Float32Array]> {
  const hash = createHash('sha256');
  for (const parameter of source.layout) {
    if (source.missing.has(parameter.name)) continue;
    const values = await source.read(parameter);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    yield [parameter, values];
  }
  const { weightsDigest, where } = source;
  if (weightsDigest !== undefined && hash.digest('hex') !== weightsDigest)
    throw new BerthError(
      'CHECKPOINT_CORRUPT',
      `The weights of ${where} are not those that its manifest names`,
    );
}

/** All weights as one flat vector; zeros where a parameter is missing. @throws BerthError as `read` */
export async function readWeights(source: ModelSource): Promise<Float32Array> {
  const last = source.layout.at(-1);
  const weights = new Float32Array(last === undefined ? 0 : last.offset + last.size);
  for await (const [{ offset }, values] of parametersOf(source)) weights.set(values, offset);
  return weights;
}
