import type { ModelConfig, ParameterSpec } from '@berth/contracts';
import type { Vocabulary } from '@berth/data';

/** A trained model wherever it lies: a Hugging Face folder, or a checkpoint of a run. */
export interface ModelSource {
  /** For people: which folder, or which step of which run. */
  readonly where: string;
  readonly model: ModelConfig;
  /** As many entries as the word table has rows. */
  readonly vocabulary: Vocabulary;
  readonly doLowerCase: boolean;
  /** All parameters that a model of this shape has with the head of its task. */
  readonly layout: readonly ParameterSpec[];
  /** Names of those that are not there, such as the heads of a bare encoder. */
  readonly missing: ReadonlySet<string>;
  /**
   * The values of a parameter of the layout, shaped as that says; asked for in its order, each byte is read once and little is
   * held.
   * @throws BerthError `CHECKPOINT_CORRUPT` when they are damaged or cannot be read
   */
  read(parameter: ParameterSpec): Promise<Float32Array>;
}

/** All weights as one flat vector; zeros where a parameter is missing. @throws BerthError as `read` */
export async function readWeights(source: ModelSource): Promise<Float32Array> {
  const last = source.layout.at(-1);
  const weights = new Float32Array(last === undefined ? 0 : last.offset + last.size);
  for (const parameter of source.layout)
    if (!source.missing.has(parameter.name))
      weights.set(await source.read(parameter), parameter.offset);
  return weights;
}
