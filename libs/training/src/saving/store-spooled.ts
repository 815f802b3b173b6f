import { findNewestManifest, isOnLine, type PlannedShard } from '@berth/checkpoint';
import { errorToWire, type StateVectors } from '@berth/contracts';
import { decideSpooled, type SpooledContext } from '@berth/protocol';
import { attemptOf } from './attempt-fence.ts';
import { completeSave, type SaveSignals } from './complete-save.ts';
import type { CheckpointSaverOptions } from './saver-options.ts';
import type { FoundState } from './spool.ts';

/**
 * Stores the newest state that a process which is gone has left on this machine's disk, if it is of this run's history and
 * newer than what the bucket has. What cannot be stored now stays for another time; what nobody needs is deleted.
 */
export async function storeSpooled(
  options: CheckpointSaverOptions,
  planned: readonly PlannedShard[],
  into: StateVectors,
  signals: SaveSignals,
): Promise<void> {
  const { spool, record, logger } = options;
  for (const found of (await spool?.found(record.runId)) ?? []) {
    const { step, stateDigest, cursor, stallMs, fencingEpoch } = found.about;
    try {
      const decision = decideSpooled(found.about, await contextOf(options, found, into));
      if (decision === 'keep') continue;
      if (decision === 'store' && (await spool?.load(found, into)) === true) {
        const line = { runId: record.runId, attempt: attemptOf(record), fencingEpoch };
        const startMs = performance.now();
        const state = { step, ...into };
        const agreed = { line, state, cursor, stateDigest, stallMs, startMs };
        await completeSave(options, planned, agreed, [], signals);
        logger.info('Stored a state that was left on disk', { step });
      }
      await spool?.forget(found);
    } catch (error) {
      logger.warn('A state that was left on disk is not stored yet', {
        step,
        error: errorToWire(error),
      });
      return;
    }
  }
}

async function contextOf(
  { store, ledger, record, logger }: CheckpointSaverOptions,
  { about }: FoundState,
  into: StateVectors,
): Promise<SpooledContext> {
  const { runId, attempts } = record;
  const isOfModel =
    about.trainingHash === record.trainingHash && about.numParameters === into.weights.length;
  const newest = await findNewestManifest(store, runId, { attempts, logger });
  const entry = await ledger.entry(about.step - 1);
  return {
    isOfRun: isOfModel && isOnLine(attempts, about),
    newestStep: newest?.manifest.step ?? 0,
    head: entry?.head,
  };
}
