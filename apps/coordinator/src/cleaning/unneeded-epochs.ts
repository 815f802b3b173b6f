/** Which epochs of its examples a run may still read. */
export interface EpochNeeds {
  /** From the oldest checkpoint that it would fall back to on; undefined for a run that is completed. */
  readonly fromEpoch: number | undefined;
  /** Of checkpoints kept for good: a resume begins there, and makes what comes after again. */
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
