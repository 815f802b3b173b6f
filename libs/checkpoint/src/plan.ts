import type { CheckpointShard, ParameterSpec } from '@berth/contracts';

/** One file of a checkpoint to be: whole parameters, neighbours in the layout. */
export interface PlannedShard {
  readonly kind: CheckpointShard['kind'];
  readonly index: number;
  readonly parameters: readonly ParameterSpec[];
  /** Of the tensors in it; moments count twice. */
  readonly sizeBytes: number;
}

/** Tensors of the Adam moments of a parameter, first and second. */
export function momentNames(parameter: string): [string, string] {
  return [`${parameter}.adam_m`, `${parameter}.adam_v`];
}

/**
 * Cuts a layout into files of at most `shardBytes`, all weights first, then all moments. A larger tensor gets a file of its
 * own. Depends on nothing else, so that any number of workers writes the same files.
 */
export function planShards(
  layout: readonly ParameterSpec[],
  shardBytes: number,
): readonly PlannedShard[] {
  return [
    ...planKind('weights', layout, Float32Array.BYTES_PER_ELEMENT, shardBytes),
    ...planKind('moments', layout, 2 * Float32Array.BYTES_PER_ELEMENT, shardBytes),
  ];
}

function planKind(
  kind: PlannedShard['kind'],
  layout: readonly ParameterSpec[],
  bytesPerElement: number,
  shardBytes: number,
): PlannedShard[] {
  const groups: { parameters: ParameterSpec[]; sizeBytes: number }[] = [];
  for (const parameter of layout) {
    const sizeBytes = parameter.size * bytesPerElement;
    const last = groups.at(-1);
    if (last && last.sizeBytes + sizeBytes <= shardBytes) {
      last.parameters.push(parameter);
      last.sizeBytes += sizeBytes;
    } else {
      groups.push({ parameters: [parameter], sizeBytes });
    }
  }
  return groups.map((group, index) => ({ kind, index, ...group }));
}

/** Which of `numShards` planned files a member writes: every `numMembers`-th, so that each file has exactly one writer. */
export function assignShards(numShards: number, memberIndex: number, numMembers: number): number[] {
  const shards = Array.from({ length: numShards }, (_, shard) => shard);
  return shards.filter((shard) => shard % numMembers === memberIndex);
}
