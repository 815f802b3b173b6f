import {
  abandonCheckpoints,
  findNewestManifest,
  listCheckpoints,
  readBranch,
  storeBranchLedger,
  storedLedger,
  writeBranch,
} from '@berth/checkpoint';
import type { Branch, Logger, ObjectStore, RunRequests } from '@berth/contracts';
import {
  createCheckpointIndex,
  createLedger,
  createMetricsLog,
  type RedisConnection,
  type ViewId,
} from '@berth/queue';

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
  #isRestored = false;

  constructor(options: RunHistoryOptions, runId: string) {
    const { connection } = options;
    this.#options = options;
    this.#runId = runId;
    this.#ledger = createLedger(connection, runId);
    this.#metrics = createMetricsLog(connection, runId);
    this.#checkpoints = createCheckpointIndex(connection, runId);
  }

  /** After a total loss of Redis the ledger and the list of checkpoints come back from the bucket. Looks once. */
  async restore(fencingEpoch: number): Promise<void> {
    if (this.#isRestored) return;
    const { store, logger } = this.#options;
    for (const checkpoint of await listCheckpoints(store, this.#runId))
      if ((await this.#checkpoints.at(checkpoint.step)) === undefined)
        await this.#checkpoints.note(checkpoint);
    const newest = await findNewestManifest(store, this.#runId, { logger });
    const step = newest?.manifest.step ?? 0;
    const numCommitted = await this.#ledger.numCommitted();
    if (newest !== undefined && numCommitted < step) {
      await this.#ledger.restore(storedLedger(store, newest.manifest), fencingEpoch);
      logger.warn('Restored the ledger from a checkpoint', { step, numCommitted });
    }
    this.#isRestored = true;
  }

  /**
   * Cuts the history back to a checkpoint: what comes after it is filed under the attempt that made it. Every part may be
   * done again, so that whoever takes over begins anew; the branch's own file says that only the ledger is left to cut.
   * @param fence - the view in force, without members: nothing is committed meanwhile
   */
  async cut(cut: Cut, fence: ViewId, fencingEpoch: number): Promise<void> {
    const { store, logger } = this.#options;
    const { toStep } = cut;
    await this.restore(fencingEpoch);
    const known = await readBranch(store, this.#runId, cut.attempt);
    const branch = known?.askedAtMs === cut.askedAtMs ? known : await this.#fileBranch(cut, fence);
    const madeAt = { fencingEpoch: branch.fencingEpoch, version: branch.viewVersion };
    const numCommitted = await this.#ledger.cut(toStep, madeAt, fencingEpoch);
    for (const { step, manifestKey } of await this.#checkpoints.list())
      if (step > toStep && (await store.head(manifestKey)) === undefined)
        await this.#checkpoints.forget(step);
    logger.info('Cut the history back', {
      runId: this.#runId,
      toStep,
      numCommitted,
      branchOf: cut.attempt,
      checkpointSteps: branch.checkpointSteps,
    });
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
      checkpointSteps: await abandonCheckpoints(store, this.#runId, { attempt, afterStep: toStep }),
    };
    await this.#metrics.keepAfter(toStep);
    await writeBranch(store, branch);
    return branch;
  }
}
