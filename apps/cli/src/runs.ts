import {
  isFinal,
  type ExtensionRequest,
  type ForkReport,
  type ForkRequest,
  type GridReport,
  type PruneQuery,
  type PruneReport,
  type RemovalReport,
  type RunConfig,
  type RunRecord,
  type RunStatusReport,
} from '@berth/contracts';
import { chooseRun } from '@berth/protocol/choose-run';
import { findCoordinator, withServices } from './cluster-access.ts';
import type { Context } from './context.ts';

/** What can be read of runs, and done with them whether a cluster runs or not. */
export interface RunReader {
  /** @throws BerthError what refuses the submission */
  submit(config: RunConfig, goal: RunRecord['goal']): Promise<unknown>;
  /** @param config - as it was written, with its grid. @throws BerthError what refuses the submission */
  submitGrid(config: unknown, goal: RunRecord['goal']): Promise<GridReport>;
  /** @throws BerthError `RUN_STATE_CONFLICT` when the run's state or schedule does not allow it */
  extend(runId: string, request: ExtensionRequest): Promise<RunStatusReport>;
  /** Makes a run that goes on from a checkpoint of another, for a few seconds; to be asked again until it is done. */
  fork(runId: string, request: ForkRequest): Promise<ForkReport>;
  list(): Promise<RunStatusReport[]>;
  /** @throws BerthError `RUN_NOT_FOUND` */
  status(runId: string): Promise<RunStatusReport>;
  /** Keeps a checkpoint that no newer one replaces, or lets it go by the rule of the others. */
  pin(runId: string, step: number, isPinned: boolean): Promise<RunStatusReport>;
  /** What of the bucket nobody needs. */
  pruning(query: PruneQuery): Promise<PruneReport>;
  /** Deletes that for a few seconds; to be asked again until it is done. */
  prune(query: PruneQuery): Promise<PruneReport>;
  /** What would go with a run. */
  removal(runId: string): Promise<RemovalReport>;
  /** Removes a run for a few seconds; to be asked again until it is done. */
  remove(runId: string): Promise<RemovalReport>;
}

/**
 * Reads runs: as the coordinator tells of them or, where none runs, as their data was left, for which its Redis is started
 * for a moment.
 * @param use - told whether no cluster runs, so that nothing comes of what is under way
 * @throws BerthError `RUN_NOT_FOUND` when there is no folder that could have runs
 */
export async function withRuns<T>(
  context: Context,
  use: (runs: RunReader, isAtRest: boolean) => Promise<T>,
): Promise<T> {
  const client = findCoordinator(context);
  if (client !== undefined) return use(client, false);
  return withServices(context, async ({ redisUrl, s3 }) => {
    // Loaded only where no coordinator does this work.
    const { createS3ObjectStore } = await import('@berth/checkpoint');
    const { createRunService } = await import('@berth/coordinator/run-service');
    const { connectRedis } = await import('@berth/queue');
    const { logger } = context;
    const connection = await connectRedis(redisUrl, { role: 'producer', logger });
    const store = createS3ObjectStore(s3, logger);
    const runs = createRunService(connection, store);
    try {
      const reader: RunReader = {
        submit: (config, goal) => runs.submit(config, goal, { isAtRest: true }),
        submitGrid: (config, goal) => runs.submitGrid(config, goal, { isAtRest: true }),
        extend: (runId, request) => runs.extend(runId, request),
        fork: (runId, request) => runs.fork(runId, request),
        list: async () => (await runs.list()).map((report) => atRest(context, report)),
        status: async (runId) => atRest(context, await runs.report(runId)),
        pin: (runId, step, isPinned) => runs.pin(runId, step, isPinned),
        pruning: (query) => runs.pruning(query),
        prune: (query) => runs.prune(query),
        removal: (runId) => runs.removal(runId, { isAtRest: true }),
        remove: (runId) => runs.remove(runId, { isAtRest: true }),
      };
      return await use(reader, true);
    } finally {
      connection.close();
      store.close();
    }
  });
}

function atRest({ berth, folder }: Context, report: RunStatusReport): RunStatusReport {
  const { run } = report;
  if (isFinal(run.status)) return report;
  const reason = `no cluster runs from ${folder}; \`${berth} resume ${run.runId}\` goes on with it`;
  return { ...report, run: { ...run, reason }, view: null, tokensPerSecond: null, etaMs: null };
}

/**
 * The run that a text names: by its name or, where no other begins so, by the beginning of it. A text that fits none is left to
 * whoever is asked for such a run.
 * @throws BerthError `RUN_NOT_FOUND` when several begin so
 */
export async function findRun(runs: Pick<RunReader, 'list'>, text: string): Promise<string> {
  return chooseRun(
    (await runs.list()).map(({ run }) => run.runId),
    text,
  );
}
