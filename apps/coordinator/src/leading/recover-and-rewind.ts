import {
  findNewestManifest,
  isDamage,
  isLeftBehind,
  listCheckpoints,
  pinCheckpoint,
  readBranch,
  storeBranchLedger,
  storedLedger,
  writeBranch,
} from '@berth/checkpoint';
import {
  BerthError,
  isBerthError,
  type Branch,
  type Logger,
  type ObjectStore,
  type RunAttempt,
  type RunRequests,
} from '@berth/contracts';
import type { ViewId } from '@berth/protocol';
import { openRun, type RedisConnection } from '@berth/queue';

export interface RunHistoryOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly logger: Logger;
}

export type Cut = NonNullable<RunRequests['cut']>;

/** A run's past, in Redis and in the bucket, as the coordinator that holds the lease may mend and cut it. */
export class RunHistory {
  readonly #runId: string;
  readonly #options: RunHistoryOptions;
  readonly #ledger;
  readonly #metrics;
  readonly #checkpoints;
  readonly #looked = new Set<string>();

  constructor(options: RunHistoryOptions, runId: string) {
    const { connection } = options;
    this.#options = options;
    this.#runId = runId;
    const { ledger, metrics, checkpoints } = openRun(connection, runId);
    this.#ledger = ledger;
    this.#metrics = metrics;
    this.#checkpoints = checkpoints;
  }

  /**
   * After Redis has lost all or some of it the ledger and the list of checkpoints come back from the bucket. Looks once in each
   * epoch, and once more for each reason to.
   */
  async restore(fencingEpoch: number, attempts: readonly RunAttempt[], reason = ''): Promise<void> {
    const occasion = `${fencingEpoch} ${reason}`;
    if (this.#looked.has(occasion)) return;
    await this.#cutAgain(fencingEpoch, attempts);
    await this.#noteCheckpoints(attempts);
    await this.#restoreLedger(fencingEpoch, attempts);
    this.#looked.add(occasion);
  }

  /**
   * Cuts the history back to a checkpoint: that is pinned for the attempt that goes on from it, and the entries after it are
   * filed under the attempt that made them. Nothing is deleted or moved, so that a coordinator that wakes up late does no
   * harm; every part may be done again, and the branch's own file says that only the ledger is left to cut.
   * @param fence - the view in force, without members: nothing is committed meanwhile
   * @throws BerthError `CHECKPOINT_NOT_FOUND` when no checkpoint of that step is whole any more
   */
  async cut(
    cut: Cut,
    attempts: readonly RunAttempt[],
    fence: ViewId,
    fencingEpoch: number,
  ): Promise<void> {
    const { store, logger } = this.#options;
    const { toStep } = cut;
    const known = await readBranch(store, this.#runId, cut.attempt);
    const isFiled = known?.askedAtMs === cut.askedAtMs;
    // Redis may have lost the entries that are about to become the branch.
    const before = attempts.filter(({ attempt }) => attempt <= cut.attempt);
    await this.#restoreLedger(fencingEpoch, isFiled ? attempts : before);
    // The beginning needs no checkpoint.
    if (!isFiled && toStep > 0) await this.#pin(toStep, attempts, fencingEpoch);
    const branch = isFiled ? known : await this.#fileBranch(cut, fence);
    const madeAt = { fencingEpoch: branch.fencingEpoch, version: branch.viewVersion };
    const numCommitted = await this.#ledger.cut(toStep, madeAt, fencingEpoch);
    for (const noted of await this.#checkpoints.list())
      if (isLeftBehind(this.#runId, attempts, noted)) await this.#checkpoints.forget(noted.step);
    await this.#noteCheckpoints(attempts);
    logger.info('Cut the history back', {
      runId: this.#runId,
      toStep,
      numCommitted,
      branchOf: cut.attempt,
    });
  }

  /** A Redis that came back older may hold again what was cut off. */
  async #cutAgain(fencingEpoch: number, attempts: readonly RunAttempt[]): Promise<void> {
    for (const { attempt, abandonedFromStep } of attempts) {
      if (abandonedFromStep === null) continue;
      if ((await this.#ledger.numCommitted()) <= abandonedFromStep) continue;
      const branch = await readBranch(this.#options.store, this.#runId, attempt);
      if (branch === undefined) continue;
      const madeAt = { fencingEpoch: branch.fencingEpoch, version: branch.viewVersion };
      await this.#ledger.cut(branch.fromStep, madeAt, fencingEpoch);
    }
  }

  async #noteCheckpoints(attempts: readonly RunAttempt[]): Promise<void> {
    for (const checkpoint of await listCheckpoints(this.#options.store, this.#runId, attempts))
      if ((await this.#checkpoints.at(checkpoint.step)) === undefined)
        await this.#checkpoints.note(checkpoint);
  }

  /** From the newest checkpoint whose ledger is whole. */
  async #restoreLedger(fencingEpoch: number, attempts: readonly RunAttempt[]): Promise<void> {
    const { store, logger } = this.#options;
    const runId = this.#runId;
    for (let maxStep = Infinity; ;) {
      const newest = await findNewestManifest(store, runId, { attempts, logger, maxStep });
      if (newest === undefined) return;
      const { step } = newest.manifest;
      const numCommitted = await this.#ledger.numCommitted();
      if (numCommitted >= step) return;
      try {
        await this.#ledger.restore(storedLedger(store, newest.manifest), fencingEpoch);
        logger.warn('Restored the ledger from a checkpoint', { step, numCommitted });
        return;
      } catch (error) {
        if (!isDamage(error) && !isInvalidLedger(error)) throw error;
        const reason = error.message;
        logger.warn('Skipping a checkpoint with a damaged ledger', { runId, step, reason });
        maxStep = step - 1;
      }
    }
  }

  async #pin(step: number, attempts: readonly RunAttempt[], fencingEpoch: number): Promise<void> {
    const runId = this.#runId;
    const attempt = attempts.at(-1)?.attempt ?? 1;
    const line = { runId, attempt, fencingEpoch };
    const isPinned = await pinCheckpoint(this.#options.store, line, step, attempts);
    // The beginning needs no checkpoint.
    if (isPinned || step === 0) return;
    throw new BerthError(
      'CHECKPOINT_NOT_FOUND',
      `Checkpoint ${step} of run "${runId}" is gone, nothing was cut: resume the run from another one`,
      { details: { runId, step } },
    );
  }

  async #fileBranch({ toStep, attempt, askedAtMs }: Cut, fence: ViewId): Promise<Branch> {
    const { store } = this.#options;
    const identity = { runId: this.#runId, attempt, askedAtMs, fromStep: toStep };
    const branch: Branch = {
      format: 'berth-branch/2',
      ...identity,
      fencingEpoch: fence.fencingEpoch,
      viewVersion: fence.version,
      ledger: await storeBranchLedger(store, identity, (from, to) =>
        this.#ledger.entries(from, to),
      ),
    };
    await this.#metrics.keepAfter(toStep);
    await writeBranch(store, branch);
    return branch;
  }
}

/** True when the entries of a checkpoint are what was stored, but no ledger. */
function isInvalidLedger(error: unknown): error is BerthError {
  return isBerthError(error) && error.code === 'LEDGER_INVALID';
}
