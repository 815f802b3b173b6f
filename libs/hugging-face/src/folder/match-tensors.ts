import { BerthError, type ParameterSpec } from '@berth/contracts';
import { huggingFaceName } from '@berth/model';
import { weightTypes } from './element-types.ts';
import type { FolderTensor } from './folder-tensors.ts';

/** What became of a tensor, or of a parameter that no tensor was found for; one row of the table that users see. */
export interface LoadingRow {
  /** As Hugging Face calls it. */
  readonly name: string;
  readonly state: 'loaded' | 'missing' | 'unused';
  readonly shape: readonly number[];
  /** Why it is missing or unused, for people; empty when it is loaded. */
  readonly reason: string;
}

/** A tensor and how it becomes a parameter. */
export interface TensorMatch {
  readonly tensor: FolderTensor;
  readonly isTransposed: boolean;
}

export interface TensorMatches {
  /** By the parameter's name. */
  readonly byParameter: ReadonlyMap<string, TensorMatch>;
  readonly rows: readonly LoadingRow[];
}

const wordTable = 'bert.embeddings.word_embeddings.weight';
const decoderWeight = 'cls.predictions.decoder.weight';
const decoderBias = 'cls.predictions.decoder.bias';

/**
 * Finds the tensor of each parameter, under any of the names that versions of transformers have given it: a bare encoder's lack
 * `bert.`, layer norms of old have gamma and beta. Parts of the task's head may be missing, the encoder may not.
 * @param reasonElse - why a tensor is unused that is no part of any layout
 * @throws BerthError `CHECKPOINT_MISMATCH`
 */
export function matchTensors(
  tensors: ReadonlyMap<string, FolderTensor>,
  layout: readonly ParameterSpec[],
  folder: string,
  reasonElse = 'no part of pre-training',
): TensorMatches {
  const byName = new Map([...tensors.values()].map((tensor) => [currentName(tensor.name), tensor]));
  const isUsed = new Set<FolderTensor>();
  const byParameter = new Map<string, TensorMatch>();
  const rows: LoadingRow[] = [];
  for (const { name: parameter, shape: ours } of layout) {
    const { name, transposed } = huggingFaceName(parameter);
    const shape = transposed ? ours.toReversed() : ours;
    const tensor =
      byName.get(name) ?? (name === 'cls.predictions.bias' ? byName.get(decoderBias) : undefined);
    if (tensor === undefined) {
      if (/^bert\.(embeddings|encoder)\./.test(name))
        throw mismatch(folder, `it lacks ${name}, without which it is no BERT of that config.json`);
      rows.push({ name, state: 'missing', shape, reason: 'the folder does not have it' });
      continue;
    }
    checkTensor(folder, tensor, shape);
    isUsed.add(tensor);
    byParameter.set(parameter, { tensor, isTransposed: transposed });
    rows.push({ name: tensor.name, state: 'loaded', shape, reason: '' });
  }
  for (const tensor of tensors.values())
    if (!isUsed.has(tensor))
      rows.push({
        name: tensor.name,
        state: 'unused',
        shape: tensor.shape,
        reason: reasonUnused(currentName(tensor.name), reasonElse),
      });
  return { byParameter, rows };
}

/** The names of the decoder and of the table that it is tied to, where a folder has both. */
export function untiedDecoder(
  tensors: ReadonlyMap<string, FolderTensor>,
): { readonly decoder: FolderTensor; readonly words: FolderTensor } | undefined {
  const find = (wanted: string): FolderTensor | undefined =>
    [...tensors.values()].find(({ name }) => currentName(name) === wanted);
  const decoder = find(decoderWeight);
  const words = find(wordTable);
  return decoder && words && { decoder, words };
}

function currentName(name: string): string {
  return name
    .replace(/^(embeddings|encoder|pooler)\./, 'bert.$1.')
    .replace(/LayerNorm\.gamma$/, 'LayerNorm.weight')
    .replace(/LayerNorm\.beta$/, 'LayerNorm.bias');
}

function checkTensor(folder: string, tensor: FolderTensor, shape: readonly number[]): void {
  if (tensor.shape.join() !== shape.join())
    throw mismatch(
      folder,
      `${tensor.name} is [${tensor.shape.join(', ')}], and config.json means [${shape.join(', ')}]`,
    );
  if (!weightTypes.includes(tensor.dtype))
    throw mismatch(
      folder,
      `${tensor.name} is ${tensor.dtype}; weights are ${weightTypes.join(', ')}`,
    );
}

function reasonUnused(name: string, reasonElse: string): string {
  if (name === decoderWeight || name === decoderBias) return 'tied to what is loaded';
  if (name.endsWith('position_ids') || name.endsWith('token_type_ids')) return 'no weight';
  if (/^bert\.(embeddings|encoder)\./.test(name)) return 'config.json has no place for it';
  return reasonElse;
}

function mismatch(folder: string, why: string): BerthError {
  return new BerthError('CHECKPOINT_MISMATCH', `The weights in ${folder} do not fit: ${why}`);
}
