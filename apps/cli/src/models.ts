import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import {
  BerthError,
  isBerthError,
  type InferenceRequest,
  type InferenceResult,
  type ModelPlace,
  type Services,
} from '@berth/contracts';
import type { NamedCheckpoint } from '@berth/coordinator/hand-over';
import { createInferenceProcess } from '@berth/inference/client';
import { chooseRun, noSuchRun } from '@berth/protocol/choose-run';
import { withServices } from './cluster-access.ts';
import type { Context } from './context.ts';

/** What can be asked of the models that a command names. */
export interface Models {
  /** In the order in which they were named. */
  readonly places: readonly ModelPlace[];
  readonly ask: <R extends InferenceRequest>(request: R) => Promise<InferenceResult<R['kind']>>;
}

/** A person waits, and ends with Ctrl-C what takes too long. */
const timeoutMs = 24 * 3_600_000;

/**
 * Finds models and starts a process that uses them, for as long as `use` takes.
 * @param names - a run, `run@step`, `run@best`, an imported model, or a folder, which has a slash in its name
 * @param isBest - whether a run without a step means its best checkpoint, not its newest
 * @throws BerthError `RUN_NOT_FOUND`, `CHECKPOINT_NOT_FOUND` or `USAGE`
 */
export async function withModels<T>(
  context: Context,
  names: readonly string[],
  isBest: boolean,
  use: (models: Models) => Promise<T>,
): Promise<T> {
  const wanted = names.map((name) => parseName(name, isBest));
  const run = async (services: Services | undefined): Promise<T> => {
    const places: ModelPlace[] = [];
    for (const one of wanted)
      places.push('path' in one ? { kind: 'folder', path: resolve(one.path) } : await find(one));
    const s3 = services?.s3;
    const inference = createInferenceProcess({ s3, numThreads: availableParallelism() });
    try {
      return await use({ places, ask: (request) => inference.ask(request, { timeoutMs }) });
    } finally {
      inference.close();
    }

    async function find(named: NamedCheckpoint): Promise<ModelPlace> {
      if (services === undefined) throw new BerthError('INTERNAL', 'There are no services');
      return placeOf(context, services, named);
    }
  };
  if (wanted.every((one) => 'path' in one)) return run(undefined);
  return withFolderHint(names, () => withServices(context, run));
}

/** Tries something; when no run is called so, and a folder is, the error says how that is written. */
export async function withFolderHint<T>(
  names: readonly string[],
  attempt: () => Promise<T>,
): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const isUnknown = isBerthError(error) && error.code === 'RUN_NOT_FOUND';
    const folder = names.find((name) => !name.includes('/') && existsSync(name));
    if (!isUnknown || folder === undefined) throw error;
    throw new BerthError(
      error.code,
      `${error.message}. A folder is written with a slash: ./${folder}`,
      { cause: error },
    );
  }
}

/** @throws BerthError `USAGE` */
function parseName(name: string, isBest: boolean): NamedCheckpoint | { readonly path: string } {
  if (name.includes('/')) return { path: name };
  const [run = '', step, ...others] = name.split('@');
  const isStep = step === undefined || step === 'best' || /^\d{1,9}$/.test(step);
  if (run === '' || !isStep || others.length > 0)
    throw new BerthError(
      'USAGE',
      `${name}: write a run (my-run), a checkpoint of one (my-run@400, my-run@best), or a folder (./my-bert)`,
    );
  if (step === undefined) return { run, wanted: isBest ? 'best' : 'newest' };
  return { run, wanted: step === 'best' ? 'best' : Number(step) };
}

/** The checkpoint that RUN, RUN@STEP or RUN@best names. @throws BerthError `USAGE` */
export function parseCheckpoint(what: string, asked: number | undefined): NamedCheckpoint {
  const named = parseName(what, false);
  if ('path' in named || (asked !== undefined && named.wanted !== 'newest'))
    throw new BerthError('USAGE', `${what}: write a run and one step, as my-run@400`);
  return asked === undefined ? named : { ...named, wanted: asked };
}

async function placeOf(
  { logger }: Context,
  { redisUrl, s3 }: Services,
  { run, wanted }: NamedCheckpoint,
): Promise<ModelPlace> {
  // Loaded here: a folder needs neither Redis nor a bucket.
  const { createS3ObjectStore, modelOfName } = await import('@berth/checkpoint');
  const { findCheckpoint } = await import('@berth/coordinator/find-checkpoint');
  const { connectRedis, createRuns } = await import('@berth/queue');
  const connection = await connectRedis(redisUrl, { role: 'producer', logger });
  const store = createS3ObjectStore(s3, logger);
  try {
    const modelId = typeof wanted === 'number' ? undefined : await modelOfName(store, run);
    if (modelId !== undefined) return { kind: 'stored', modelId };
    const records = await createRuns(connection).list();
    const runIds = records.map(({ runId }) => runId);
    const runId = chooseRun(runIds, run);
    const record = records.find((one) => one.runId === runId);
    if (record === undefined) throw noSuchRun(runIds, run);
    return (await findCheckpoint(store, record, wanted)).place;
  } finally {
    connection.close();
    store.close();
  }
}
