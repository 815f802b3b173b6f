import { BerthError, errorToWire, isBerthError, type SpooledState } from '@berth/contracts';
import { isOutage } from '@berth/protocol';
import type { AgreedState } from './complete-save.ts';
import type { CheckpointSaverOptions } from './saver-options.ts';

const defaultSpoolAfterMs = 30_000;

/** Whether a save failed for something that passes. */
export function failedForOutage(error: unknown): boolean {
  return isBerthError(error) && isOutage(error.code);
}

/**
 * Ends the wait for a slow save. Resolves once nothing reads the state any more; it is on disk then if the save failed for an
 * outage.
 */
export type EndSpooling = (error?: unknown) => Promise<void>;

/**
 * Keeps a state on disk once its save takes long, if most of its view's members have the same one. What that fails with is
 * logged: the state is in memory all the same.
 */
export function spoolWhenSlow(
  options: CheckpointSaverOptions,
  agreed: AgreedState,
  agree: () => Promise<unknown>,
  onSpooled: (numBytes: number) => void,
): EndSpooling {
  const { spool, spoolAfterMs = defaultSpoolAfterMs, logger } = options;
  const { step } = agreed.state;
  let keeping: Promise<void> | undefined;
  const keep = async (): Promise<void> => {
    if (spool === undefined) return;
    try {
      await agree();
      const numBytes = await spool.keep(await aboutOf(options, agreed), agreed.state);
      onSpooled(numBytes);
      logger.info('A state waits on disk until the bucket takes it', { step, numBytes });
    } catch (error) {
      logger.warn('A state that waits for the bucket is not on disk', {
        step,
        error: errorToWire(error),
      });
    }
  };
  const timer = setTimeout(() => {
    keeping = keep();
  }, spoolAfterMs);
  return async (error) => {
    clearTimeout(timer);
    if (failedForOutage(error)) keeping ??= keep();
    await keeping;
  };
}

async function aboutOf(
  { ledger, record }: CheckpointSaverOptions,
  { line, state, cursor, stateDigest, stallMs }: AgreedState,
): Promise<SpooledState> {
  const { step } = state;
  const entry = await ledger.entry(step - 1);
  if (entry === undefined)
    throw new BerthError('LEDGER_BEHIND', `The ledger ends before step ${step}`);
  return {
    format: 'berth-spool/1',
    ...line,
    step,
    cursor,
    trainingHash: record.trainingHash,
    numParameters: state.weights.length,
    stateDigest,
    ledgerHead: entry.head,
    stallMs,
  };
}
