import { findNewestManifest, storedLedger } from '@berth/checkpoint';
import {
  BerthError,
  type LedgerEntry,
  type Logger,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import { openRun, type RedisConnection } from '@berth/queue';

export interface RunStores {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly logger: Logger;
}

/** The ledger of a run, wherever it is. */
export interface CommittedSteps {
  readonly numCommitted: number;
  /** @throws BerthError `STEP_NOT_COMMITTED` when the run has not committed it */
  entry(step: number): Promise<LedgerEntry>;
}

/**
 * The committed steps of a run, from Redis or, where that has lost some, from the newest checkpoint.
 * @throws BerthError `CHECKPOINT_CORRUPT` when the checkpoint's ledger is damaged
 */
export async function committedSteps(
  { connection, store, logger }: RunStores,
  { runId, attempts }: Pick<RunRecord, 'runId' | 'attempts'>,
): Promise<CommittedSteps> {
  const { ledger } = openRun(connection, runId);
  const newest = await findNewestManifest(store, runId, { attempts, logger });
  // Counted after the checkpoint was found: what is saved was committed before.
  const numInRedis = await ledger.numCommitted();
  const numCommitted = Math.max(numInRedis, newest?.manifest.step ?? 0);
  return {
    numCommitted,
    async entry(step) {
      const inRedis = step < numInRedis ? await ledger.entry(step) : undefined;
      if (inRedis !== undefined) return inRedis;
      if (newest !== undefined && step < newest.manifest.step)
        for await (const [entry] of storedLedger(store, newest.manifest).entries(step))
          if (entry !== undefined) return entry;
      const known =
        numCommitted === 0
          ? 'it has committed none yet'
          : `it has committed 0 to ${numCommitted - 1}`;
      throw new BerthError('STEP_NOT_COMMITTED', `Run "${runId}" has no step ${step}: ${known}`, {
        details: { runId, step },
      });
    },
  };
}
