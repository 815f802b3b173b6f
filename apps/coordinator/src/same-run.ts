import { BerthError, changedSettings, type RunConfig, type RunRecord } from '@berth/contracts';

/**
 * A run's name stands for one training; a config that would give other weights is another run.
 * @throws BerthError `DATA_MISMATCH` for what the prepared data fixes, `CHECKPOINT_MISMATCH` for the rest
 */
export function checkSameRun(existing: RunRecord, config: RunConfig): void {
  const [change] = changedSettings(existing.config, config, ['data', 'examples', 'weights']);
  if (change === undefined) return;
  const { path, decides, before, after } = change;
  const shapesData = decides !== 'weights';
  throw new BerthError(
    shapesData ? 'DATA_MISMATCH' : 'CHECKPOINT_MISMATCH',
    `Run "${existing.runId}" was made with ${path} ${show(before)}, this config says ` +
      `${show(after)}; ${shapesData ? 'its prepared data' : 'its checkpoints'} cannot be used: ` +
      'restore the value, or choose another name',
  );
}

function show(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(value);
}
