import { BerthError, type RunAttempt } from '@berth/contracts';
import type { ViewId } from '../ledger/view-id.ts';
import type { Rewind, FiledBranch, RunPorts } from './ports.ts';
import { call, type Script } from './script.ts';

/** A run's past, in Redis and in the bucket, as the coordinator that holds the lease may mend and rewind it. */
export class RunPast {
  readonly #ports: Pick<RunPorts, 'runId' | 'ledger' | 'past' | 'logger'>;
  readonly #restoredFor = new Set<string>();

  constructor(ports: Pick<RunPorts, 'runId' | 'ledger' | 'past' | 'logger'>) {
    this.#ports = ports;
  }

  /**
   * After Redis has lost all or some of it the ledger and the list of checkpoints come back from the bucket. Looks once in each
   * epoch, and once more for each reason to.
   */
  *restore(fencingEpoch: number, attempts: readonly RunAttempt[], reason = ''): Script<void> {
    const occasion = `${fencingEpoch} ${reason}`;
    if (this.#restoredFor.has(occasion)) return;
    yield* this.#rewindAgain(fencingEpoch, attempts);
    yield* call(this.#ports.past.listAgain(attempts));
    yield* this.#restoreLedger(fencingEpoch, attempts);
    this.#restoredFor.add(occasion);
  }

  /**
   * Takes the run back to a checkpoint: that is pinned for the attempt that goes on from it, and the entries after it are
   * filed under the attempt that made them. Nothing is deleted or moved, so that a coordinator that wakes up late does no
   * harm; every part may be done again, and the branch's own file says that only the ledger is left to rewind.
   * @param fence - the view in force, without members: nothing is committed meanwhile
   * @throws BerthError `CHECKPOINT_NOT_FOUND` when no checkpoint of that step is whole any more
   */
  *rewind(
    rewind: Rewind,
    attempts: readonly RunAttempt[],
    fence: ViewId,
    fencingEpoch: number,
  ): Script<void> {
    const { past, logger, runId } = this.#ports;
    const { toStep } = rewind;
    const known = yield* call(past.branch(rewind.attempt));
    const filed = known?.askedAtMs === rewind.askedAtMs ? known : undefined;
    // Redis may have lost the entries that are about to become the branch.
    const before = attempts.filter(({ attempt }) => attempt <= rewind.attempt);
    yield* this.#restoreLedger(fencingEpoch, filed === undefined ? before : attempts);
    if (filed === undefined) yield* this.#pin(toStep, attempts, fencingEpoch);
    const branch = filed ?? (yield* call(past.fileBranch(rewind, fence)));
    const numCommitted = yield* this.#rewindLedger(branch, fencingEpoch);
    yield* call(past.listAgain(attempts));
    const branchOf = rewind.attempt;
    logger.info('Rewound the history', { runId, toStep, numCommitted, branchOf });
  }

  #rewindLedger(branch: FiledBranch, fencingEpoch: number): Script<number> {
    const madeAt = { fencingEpoch: branch.fencingEpoch, version: branch.viewVersion };
    return call(this.#ports.ledger.rewind(branch.fromStep, madeAt, fencingEpoch));
  }

  /** A Redis that came back older may hold again what was cut off. */
  *#rewindAgain(fencingEpoch: number, attempts: readonly RunAttempt[]): Script<void> {
    const { ledger, past } = this.#ports;
    for (const { attempt, abandonedFromStep } of attempts) {
      if (abandonedFromStep === null) continue;
      if ((yield* call(ledger.numCommitted())) <= abandonedFromStep) continue;
      const branch = yield* call(past.branch(attempt));
      if (branch !== undefined) yield* this.#rewindLedger(branch, fencingEpoch);
    }
  }

  /** From the newest checkpoint whose ledger is whole. */
  *#restoreLedger(fencingEpoch: number, attempts: readonly RunAttempt[]): Script<void> {
    const { past, ledger, logger, runId } = this.#ports;
    for (let maxStep = Infinity; ;) {
      const newest = yield* call(past.newest(attempts, maxStep));
      if (newest === undefined) return;
      const { step } = newest;
      const numCommitted = yield* call(ledger.numCommitted());
      if (numCommitted >= step) return;
      const reason = yield* call(newest.putBack(fencingEpoch));
      if (reason === undefined) {
        logger.warn('Restored the ledger from a checkpoint', { step, numCommitted });
        return;
      }
      logger.warn('Skipping a checkpoint with a damaged ledger', { runId, step, reason });
      maxStep = step - 1;
    }
  }

  *#pin(step: number, attempts: readonly RunAttempt[], fencingEpoch: number): Script<void> {
    const { past, runId } = this.#ports;
    // The beginning needs no checkpoint.
    if (step === 0 || (yield* call(past.pin(step, attempts, fencingEpoch)))) return;
    throw new BerthError(
      'CHECKPOINT_NOT_FOUND',
      `Checkpoint ${step} of run "${runId}" is gone, nothing was rewound: resume the run from another one`,
      { details: { runId, step } },
    );
  }
}
