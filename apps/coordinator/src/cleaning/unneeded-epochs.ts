/** Which epochs of its examples a run may still read. */
export interface EpochNeeds {
  /** From its newest checkpoint on; undefined for a run that is completed. */
  readonly fromEpoch: number | undefined;
  /** Of all its checkpoints: a resume begins there, and has what comes after made again. */
  readonly resumableEpochs: readonly number[];
}

/** Of the epochs that are stored, those that no run of the example set needs. Their shards can be made again. */
export function unneededEpochs(stored: readonly number[], runs: readonly EpochNeeds[]): number[] {
  return stored.filter((epoch) =>
    runs.every(
      ({ fromEpoch = Infinity, resumableEpochs }) =>
        epoch < fromEpoch &&
        // A window that is read ahead may lie in the epoch after.
        !resumableEpochs.some((from) => from === epoch || from + 1 === epoch),
    ),
  );
}
