import { copyCheckpoint, listCheckpoints, readManifest } from '@berth/checkpoint';
import {
  BerthError,
  silentLogger,
  type ForkReport,
  type ForkRequest,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import type { Runs } from '@berth/queue';
import { forkedConfig, forkedHash, forkedRecord } from './decide-fork.ts';

/** A request is answered after so long, whatever is left to do. */
const sliceMs = 4_000;

/**
 * Makes a run that goes on from a checkpoint of another, as far as it gets in a few seconds: asked again, it goes on.
 * @throws BerthError `CHECKPOINT_NOT_FOUND`; `RUN_STATE_CONFLICT` when the name is taken; `CONFIG_*` for the settings; and what
 * copying throws
 */
export async function forkRun(
  { runs, store }: { readonly runs: Runs; readonly store: ObjectStore },
  source: RunRecord,
  request: ForkRequest,
): Promise<ForkReport> {
  const { runId, attempts } = source;
  const { name } = request;
  if ((await runs.read(name)) !== undefined)
    throw new BerthError(
      'RUN_STATE_CONFLICT',
      `There is a run "${name}" already: give the fork another name (--name)`,
      { details: { runId: name } },
    );
  const listed = await listCheckpoints(store, runId, attempts);
  const found = listed.findLast(
    ({ step }) => request.fromStep === undefined || step === request.fromStep,
  );
  if (found === undefined) {
    const steps = [...new Set(listed.map(({ step }) => step))].join(', ');
    throw new BerthError(
      'CHECKPOINT_NOT_FOUND',
      request.fromStep === undefined
        ? `Run "${runId}" has no checkpoint to fork from`
        : `Run "${runId}" has no checkpoint of step ${request.fromStep}; there are: ${steps || 'none'}`,
      { details: { runId } },
    );
  }
  const { manifestKey, step } = found;
  const config = forkedConfig(source, request, step);
  const { ledgerHead } = await readManifest(store, manifestKey);
  const forkedFrom = { runId, step, ledgerHead };
  const { numPartsToGo, isDone } = await copyCheckpoint(
    store,
    manifestKey,
    { runId: name, trainingHash: forkedHash(config, forkedFrom) },
    { deadlineMs: performance.now() + sliceMs, logger: silentLogger },
  );
  if (isDone) await runs.create(forkedRecord(source, config, forkedFrom, Date.now()));
  return { runId: name, fromStep: step, numPartsToGo, isDone };
}
