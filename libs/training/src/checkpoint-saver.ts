import { findNewestManifest, findNewestValid, planShards } from '@berth/checkpoint';
import {
  BerthError,
  errorToWire,
  toBerthError,
  type Cursor,
  type TrainingState,
  type View,
} from '@berth/contracts';
import { digestKeyOf } from './saving/agreement.ts';
import { saveSnapshot, keyOf, type Snapshot } from './saving/save-snapshot.ts';
import type { CheckpointSaverOptions } from './saving/saver-options.ts';

/** One member's part in checkpoints: its shards, and if it leads the view, the manifest. */
export interface CheckpointSaver {
  /**
   * Saves a state while training goes on. One at a time: a state that still waits gives way to a newer one, so that an
   * outage of the store costs checkpoints, not steps, and two states of memory at most.
   */
  save(view: View, state: TrainingState, cursor: Cursor): void;
  /** Waits until the newest state is saved. @throws what made that fail */
  settled(): Promise<void>;
  /**
   * Step of the newest checkpoint, not beyond `maxStep`, of which every part verifies.
   * @throws BerthError `LEDGER_BEHIND` when there are only checkpoints beyond it: Redis has lost steps that the bucket has
   */
  newestStep(maxStep: number): Promise<number | undefined>;
  load(step: number): Promise<TrainingState>;
  /** Gives up what is being saved, and waits a few seconds at most for what is being deleted. Does not reject. */
  close(): Promise<void>;
}

const shardBytes = 64 << 20;
const deletionGraceMs = 5_000;

export function createCheckpointSaver(options: CheckpointSaverOptions): CheckpointSaver {
  const { store, layout, record, logger } = options;
  const { runId, attempts } = record;
  const shards = planShards(layout, shardBytes);
  let waiting: Snapshot | undefined;
  let inProgress: Snapshot | undefined;
  let working: Promise<void> | undefined;
  let failure: BerthError | undefined;
  // What was loaded to prove it, for the load that follows: not to fetch it twice.
  let proven: TrainingState | undefined;
  const saving = new AbortController();
  const deleting = new AbortController();
  const signals = { saving: saving.signal, deleting: deleting.signal };

  const work = async (): Promise<void> => {
    while (waiting !== undefined && !saving.signal.aborted) {
      inProgress = waiting;
      waiting = undefined;
      const { step } = inProgress.state;
      try {
        failure = undefined;
        await saveSnapshot(options, shards, inProgress, signals);
        options.onTried?.(undefined);
      } catch (error) {
        failure = toBerthError(error);
        options.onTried?.(failure);
        if (failure.code === 'STATE_DIVERGED') options.onDiverged(inProgress.view, failure);
        logger.warn('A checkpoint failed', { step, error: errorToWire(error) });
      }
    }
    inProgress = undefined;
    working = undefined;
  };

  const requireNoneBeyond = async (maxStep: number): Promise<undefined> => {
    const newest = await findNewestManifest(store, runId, { attempts, logger });
    const step = newest?.manifest.step ?? 0;
    if (step > maxStep)
      throw new BerthError(
        'LEDGER_BEHIND',
        `The ledger ends at step ${maxStep}, but there is a checkpoint of step ${step}: nothing is begun again from the seed`,
      );
  };

  return {
    save(view, state, cursor) {
      proven = undefined;
      if (waiting !== undefined) skip(options, waiting);
      // A member that the view lost will never upload its part of an older view's save.
      if (inProgress !== undefined && inProgress.view.version !== view.version)
        inProgress.superseded.abort();
      waiting = { view, state, cursor, superseded: new AbortController() };
      working ??= work();
    },
    async settled() {
      await working;
      if (failure !== undefined) throw failure;
    },
    async newestStep(maxStep) {
      const found = await findNewestValid(store, runId, { layout, maxStep, attempts, logger });
      if (found === undefined) return requireNoneBeyond(maxStep);
      if (found.manifest.trainingHash !== record.trainingHash)
        throw new BerthError(
          'CHECKPOINT_MISMATCH',
          `Checkpoint ${found.manifest.step} of run "${runId}" was made with another config; ` +
            'restore the config, or choose another name',
        );
      proven = found.state;
      return found.manifest.step;
    },
    async load(step) {
      const known = proven;
      proven = undefined;
      if (known?.step === step) return known;
      const range = { minStep: step, maxStep: step };
      const found = await findNewestValid(store, runId, { layout, attempts, logger, ...range });
      if (found !== undefined) return found.state;
      throw new BerthError('STORE_NOT_FOUND', `Run "${runId}" has no checkpoint of step ${step}`);
    },
    async close() {
      saving.abort();
      const grace = setTimeout(() => deleting.abort(), deletionGraceMs);
      await working;
      clearTimeout(grace);
    },
  };
}

/** Leaves our part of a save to the leader, should it not skip the step too. */
function skip(
  { rendezvous, memberId, logger }: CheckpointSaverOptions,
  { view, state }: Snapshot,
): void {
  const { step } = state;
  logger.warn('Skipped a checkpoint: the one before is still being saved', { step });
  Promise.all([
    rendezvous.post(digestKeyOf(view, step), memberId, ''),
    rendezvous.post(keyOf(view, step), memberId, '[]'),
  ]).catch((error: unknown) => logger.debug('Nobody told', { error: errorToWire(error) }));
}
