import { createHash } from 'node:crypto';
import { BerthError, type ModelConfig, type ParameterSpec } from '@berth/contracts';
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
