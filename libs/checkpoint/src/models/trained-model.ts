import type { FineTuning, ModelConfig, ObjectStore, StoredPart } from '@berth/contracts';
import {
  decodeSafetensors,
  floatsOf,
  maxHeaderBytes,
  type SafetensorsFile,
} from '../safetensors.ts';
import { corrupt, readPart } from '../stored-part.ts';

/** Values of a parameter, row-major. */
export interface ParameterValues {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A trained model wherever it lies: a checkpoint, a stored model, or a folder of others. */
export interface TrainedModel {
  /** For people: which folder, or which step of which run. */
  readonly where: string;
  readonly model: ModelConfig;
  readonly doLowerCase: boolean;
  /** What it is fine-tuned for; left out where its head, if any, is of pre-training. */
  readonly fineTuning?: FineTuning;
  /** A vocab.txt. */
  readonly vocabulary: { readonly bytes: Uint8Array; readonly numTokens: number };
  /** Google's names, in layout order; without those that are not there. */
  readonly parameters: readonly string[];
  /**
   * Asked for in order, perhaps more than once; then each byte is read once and little is held.
   * @throws BerthError `CHECKPOINT_CORRUPT` when it is damaged, and what the store throws
   */
  read(parameter: string): Promise<ParameterValues>;
  /** SHA-256 over all weights as little-endian fp32 in layout order, where it is known before they are read. */
  readonly weightsDigest?: string;
}

/** A file of weights and the names of its tensors. */
type Shard = StoredPart & { readonly tensors: readonly string[] };

/** Reads the tensors of verified files, one file in memory at a time. */
export function tensorReader(store: ObjectStore, shards: readonly Shard[]): TrainedModel['read'] {
  const shardOf = new Map(shards.flatMap((shard) => shard.tensors.map((name) => [name, shard])));
  let open: { readonly key: string; readonly file: SafetensorsFile } | undefined;
  return async (parameter) => {
    const shard = shardOf.get(parameter);
    if (shard === undefined) throw corrupt(store, parameter, 'no part of it has this tensor');
    if (open?.key !== shard.key) {
      open = undefined;
      const maxBytes = shard.sizeBytes + maxHeaderBytes(shard.tensors.length);
      const bytes = await readPart(store, shard, { maxBytes });
      open = { key: shard.key, file: decodeSafetensors(bytes, shard.tensors.length) };
    }
    const tensor = open.file.tensors.get(parameter);
    const values = tensor && floatsOf(tensor);
    if (!tensor || !(values instanceof Float32Array))
      throw corrupt(store, shard.key, `it lacks the tensor ${parameter}`);
    return { shape: tensor.shape, values };
  };
}
