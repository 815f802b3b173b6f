import { findNewestManifest, storedLedger } from '@berth/checkpoint';
import {
  BerthError,
  type LedgerEntry,
  type Logger,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import { openRun, type RedisConnection } from '@berth/queue';

/**
 * A committed step of a run, from Redis or, where that has lost it, from the newest checkpoint.
 * @throws BerthError `LEDGER_BEHIND` when the run has not committed it, `CHECKPOINT_CORRUPT` when the checkpoint's ledger is damaged
 */
export async function committedStep(
  { connection, store, logger }: CommittedStepOptions,
  { runId, attempts }: RunRecord,
  step: number,
): Promise<LedgerEntry> {
  const { ledger } = openRun(connection, runId);
  const numInRedis = await ledger.numCommitted();
  const inRedis = step < numInRedis ? await ledger.entry(step) : undefined;
  if (inRedis !== undefined) return inRedis;
  const newest = await findNewestManifest(store, runId, { attempts, logger });
  if (newest !== undefined && step < newest.manifest.step)
    for await (const [entry] of storedLedger(store, newest.manifest).entries(step))
      if (entry !== undefined) return entry;
  const numCommitted = Math.max(numInRedis, newest?.manifest.step ?? 0);
  const known =
    numCommitted === 0 ? 'it has committed none yet' : `it has committed 0 to ${numCommitted - 1}`;
  throw new BerthError('STEP_NOT_COMMITTED', `Run "${runId}" has no step ${step}: ${known}`, {
    details: { runId, step },
  });
}

export interface CommittedStepOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly logger: Logger;
}
