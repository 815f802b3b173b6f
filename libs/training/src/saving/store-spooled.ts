import { findNewestManifest, isOnLine, type PlannedShard } from '@berth/checkpoint';
import { errorToWire, type StateVectors } from '@berth/contracts';
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
      const need = await needFor(options, found, into);
      if (need === 'perhaps later') continue;
      if (need === 'now' && (await spool?.load(found, into)) === true) {
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

async function needFor(
  { store, ledger, record, logger }: CheckpointSaverOptions,
  { about }: FoundState,
  into: StateVectors,
): Promise<'now' | 'perhaps later' | 'never'> {
  const { runId, attempts } = record;
  const isOfRun =
    about.trainingHash === record.trainingHash && about.numParameters === into.weights.length;
  if (!isOfRun || !isOnLine(attempts, about)) return 'never';
  const newest = await findNewestManifest(store, runId, { attempts, logger });
  if (newest !== undefined && newest.manifest.step >= about.step) return 'never';
  // A ledger that Redis has lost may be made again, to the same head.
  const entry = await ledger.entry(about.step - 1);
  if (entry === undefined) return 'perhaps later';
  return entry.head === about.ledgerHead ? 'now' : 'never';
}
