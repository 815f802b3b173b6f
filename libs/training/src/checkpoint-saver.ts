import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { findNewestManifest, findNewestValid, isDamage, planShards } from '@berth/checkpoint';
import {
  BerthError,
  errorToWire,
  toBerthError,
  type Cursor,
  type ParameterSpec,
  type StateVectors,
  type TrainingState,
  type View,
} from '@berth/contracts';
import { digestKeyOf } from './saving/agreement.ts';
import { keyOf, leadsSave, saveSnapshot, type Snapshot } from './saving/save-snapshot.ts';
import type { CheckpointSaverOptions, PendingSave } from './saving/saver-options.ts';
import { SnapshotMemory } from './saving/snapshot-memory.ts';
import { failedForOutage } from './saving/spool-when-slow.ts';
import { storeSpooled } from './saving/store-spooled.ts';

/** One member's part in checkpoints: its shards, and if it leads the view, the manifest. */
export interface CheckpointSaver {
  /** Memory for the next state to save, shared with other threads; a state that still waits gives way. */
  memory(): StateVectors;
  /**
   * Saves a state while training goes on. One at a time: a state that still waits gives way to a newer one, so that an
   * outage of the store costs checkpoints, not steps, and two states of memory at most. One that could not be stored for
   * an outage is tried again by the leader until there is a newer one, and lies on disk meanwhile.
   * @param options.stallMs - for how long training stood still for it. @defaultValue 0
   */
  save(
    view: View,
    state: TrainingState,
    cursor: Cursor,
    options?: { readonly stallMs?: number },
  ): void;
  /** Waits until the saving of the newest state has been tried. @throws what made that fail */
  settled(): Promise<void>;
  /**
   * Step of the newest checkpoint, not beyond `maxStep`, of which every part verifies.
   * @param minStep - those before it are not looked at: there is something else to go on from. @defaultValue 0
   * @throws BerthError without a `minStep` `LEDGER_BEHIND` when there are only checkpoints beyond `maxStep`: Redis has lost
   * steps that the bucket has; and what `findNewestValid` throws
   */
  newestStep(maxStep: number, minStep?: number): Promise<number | undefined>;
  load(step: number): Promise<TrainingState>;
  /**
   * Stores what an earlier process of this machine has left on disk, as far as the run still needs it. Does not reject for
   * what the bucket does not take now.
   */
  storeSpooled(): Promise<void>;
  /** Gives up what is being saved, and waits a few seconds at most for what is being deleted. Does not reject. */
  close(): Promise<void>;
}

const shardBytes = 64 << 20;
const deletionGraceMs = 5_000;
/** Between two tries to store a state, each of which has a minute's patience for a service that does not answer. */
const tryAgainMs = 5_000;
/** A save that takes longer may still be under way when the next one is due. */
const prepareAfterMs = 5_000;

export function createCheckpointSaver(options: CheckpointSaverOptions): CheckpointSaver {
  const { store, layout, record, memberId, spool, logger } = options;
  const { runId, attempts } = record;
  const shards = planShards(layout, shardBytes);
  const memory = new SnapshotMemory(vectorLengthOf(layout));
  let waiting: Snapshot | undefined;
  let inProgress: Snapshot | undefined;
  let working: Promise<void> | undefined;
  const triedAll = new EventEmitter();
  let isTried = true;
  let failure: BerthError | undefined;
  let behindSinceMs: number | undefined;
  let spooled: Pick<PendingSave, 'spooledBytes' | 'spooledStep'> = { spooledBytes: 0 };
  // What was loaded to prove it, for the load that follows: not to fetch it twice.
  let proven: TrainingState | undefined;
  const saving = new AbortController();
  const deleting = new AbortController();
  const signals = { saving: saving.signal, deleting: deleting.signal };
  let wake = new AbortController();

  const tellPending = (): void => {
    const newest = waiting ?? inProgress;
    if (newest === undefined || behindSinceMs === undefined) options.onPending?.(undefined);
    else options.onPending?.({ step: newest.state.step, sinceMs: behindSinceMs, ...spooled });
  };

  const tellTried = (): void => {
    isTried = true;
    triedAll.emit('tried');
  };

  const tryToSave = async (snapshot: Snapshot): Promise<void> => {
    const { step } = snapshot.state;
    try {
      failure = undefined;
      await saveSnapshot(options, shards, snapshot, signals, (numBytes) => {
        spooled = { spooledBytes: numBytes, spooledStep: step };
        tellPending();
      });
      // Whatever is on disk is older.
      await spool?.clear();
      spooled = { spooledBytes: 0 };
      behindSinceMs = waiting && performance.now();
      options.onTried?.(undefined);
    } catch (error) {
      failure = toBerthError(error);
      options.onTried?.(failure);
      if (failure.code === 'STATE_DIVERGED') options.onDiverged(snapshot.view, failure);
      logger.warn('A checkpoint failed', { step, error: errorToWire(error) });
    }
  };

  /** Tries one state after the other; what a leader could not store for an outage it tries until there is a newer one. */
  const work = async (): Promise<void> => {
    for (let kept: Snapshot | undefined; !saving.signal.aborted;) {
      if (waiting === undefined && kept !== undefined)
        await sleep(tryAgainMs, undefined, { signal: wake.signal }).catch(() => undefined);
      if (waiting !== undefined && kept !== undefined) memory.giveBack(kept.state);
      inProgress = waiting ?? kept;
      [waiting, kept] = [undefined, undefined];
      if (inProgress === undefined || saving.signal.aborted) break;
      tellPending();
      const slow = setTimeout(() => void memory.prepare().catch(() => undefined), prepareAfterMs);
      await tryToSave(inProgress);
      clearTimeout(slow);
      if (failure !== undefined && failedForOutage(failure) && leadsSave(memberId, inProgress))
        kept = inProgress;
      else memory.giveBack(inProgress.state);
      if (waiting === undefined) tellTried();
      if (kept === undefined) inProgress = undefined;
      tellPending();
    }
    inProgress = undefined;
    working = undefined;
    tellTried();
    tellPending();
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
    memory() {
      if (waiting !== undefined) skip(options, waiting);
      if (waiting !== undefined) memory.giveBack(waiting.state);
      waiting = undefined;
      return memory.lend();
    },
    save(view, state, cursor, { stallMs = 0 } = {}) {
      proven = undefined;
      memory.take(state);
      if (waiting !== undefined) skip(options, waiting);
      // A member that the view lost will never upload its part of an older view's save.
      if (inProgress !== undefined && inProgress.view.version !== view.version)
        inProgress.superseded.abort();
      waiting = { view, state, cursor, stallMs, superseded: new AbortController() };
      behindSinceMs ??= performance.now();
      isTried = false;
      wake.abort();
      wake = new AbortController();
      working ??= work();
      tellPending();
    },
    async settled() {
      if (!isTried) await once(triedAll, 'tried');
      if (failure !== undefined) throw failure;
    },
    async newestStep(maxStep, minStep = 0) {
      const range = { minStep, maxStep };
      const isNeeded = minStep === 0;
      const found = await findNewestValid(store, runId, {
        layout,
        attempts,
        logger,
        ...range,
      }).catch((error: unknown) => {
        if (isNeeded || !isDamage(error)) throw error;
        return undefined;
      });
      if (found === undefined) return isNeeded ? requireNoneBeyond(maxStep) : undefined;
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
    storeSpooled: () => storeSpooled(options, shards, memory.lend(), signals),
    async close() {
      saving.abort();
      wake.abort();
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

function vectorLengthOf(layout: readonly ParameterSpec[]): number {
  return layout.reduce((end, { offset, size }) => Math.max(end, offset + size), 0);
}
