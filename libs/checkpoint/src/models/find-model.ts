import {
  BerthError,
  readJson,
  runNamePattern,
  runRecordSchema,
  type InitSection,
  type Logger,
  type ObjectStore,
  type StoredModel,
} from '@berth/contracts';
import type { Attempts } from '../attempts.ts';
import { listCheckpoints } from '../manifest.ts';
import { findNewestManifest } from '../newest-manifest.ts';
import { checkpointAsModel } from './checkpoint-as-model.ts';
import { listModelNames, modelOfName } from './list-models.ts';
import { modelNameKey, runRecordKey } from './model-keys.ts';
import { readModel } from './read-model.ts';
import { storeModel } from './store-model.ts';

/** Whether an `init.from` names a folder, which only whoever sees its files can import. */
export function namesFolder(from: string): boolean {
  return from.includes('/');
}

/**
 * The model that a run is to begin with: that of its SHA-256 or, without one, that of its name. The weights of a run or of a
 * checkpoint are stored as a model first, so that they stay whatever becomes of that run.
 * @throws BerthError `CHECKPOINT_NOT_FOUND` when there is no such model, `CONFIG_INVALID` for a folder that nobody has imported
 */
export async function findModel(
  store: ObjectStore,
  { from, sha256 }: Pick<InitSection, 'from' | 'sha256'>,
  logger: Logger,
): Promise<StoredModel> {
  if (sha256 !== undefined) return readModel(store, sha256);
  if (namesFolder(from))
    throw new BerthError(
      'CONFIG_INVALID',
      `init.from: ${from} is a folder, which is read where it lies: import it there with \`berth import ${from}\`, ` +
        'and write here the name that it is given',
    );
  const [name = '', step] = from.split('@');
  const isStep = step === undefined || /^\d{1,9}$/.test(step);
  if (!runNamePattern.test(name) || !isStep || from.split('@').length > 2)
    throw new BerthError(
      'CONFIG_INVALID',
      `init.from: ${from} is no folder (./${from}), model, run, or step of one (${name || 'my-run'}@400)`,
    );
  const named = step === undefined ? await modelOfName(store, name) : undefined;
  if (named !== undefined) return readModel(store, named);
  const found = await findCheckpoint(
    store,
    name,
    step === undefined ? undefined : Number(step),
    logger,
  );
  return storeModel(store, await checkpointAsModel(store, found.manifestKey));
}

/**
 * Gives a stored model a name.
 * @throws BerthError `CHECKPOINT_EXISTS` when another model or a run has it
 */
export async function nameModel(store: ObjectStore, name: string, modelId: string): Promise<void> {
  const known = await modelOfName(store, name);
  const key = modelNameKey(name);
  if ((await store.head(runRecordKey(name))) !== undefined)
    throw new BerthError(
      'CHECKPOINT_EXISTS',
      `A run is called "${name}" in ${store.describe()}; give the model another name (--name)`,
      { details: { name } },
    );
  const text = JSON.stringify({ format: 'berth-model-name/1', name, modelId });
  const isFree =
    known === undefined &&
    (await store.put(key, new TextEncoder().encode(text), { ifAbsent: true })) === 'written';
  if (isFree || (known ?? (await modelOfName(store, name))) === modelId) return;
  throw new BerthError(
    'CHECKPOINT_EXISTS',
    `Another model is called "${name}" in ${store.describe()}: ${known ?? 'stored just now'}; give this one another name (--name)`,
    { details: { name } },
  );
}

/** The checkpoint of a run at a step, or its newest. @throws BerthError `CHECKPOINT_NOT_FOUND` */
export async function findCheckpoint(
  store: ObjectStore,
  runId: string,
  step: number | undefined,
  logger: Logger,
): Promise<{ readonly step: number; readonly manifestKey: string }> {
  const attempts = await attemptsOf(store, runId);
  if (step === undefined) {
    const newest = await findNewestManifest(store, runId, { attempts, logger });
    if (newest !== undefined)
      return { step: newest.manifest.step, manifestKey: newest.manifestKey };
  }
  const listed = await listCheckpoints(store, runId, attempts);
  const found = listed.findLast((checkpoint) => checkpoint.step === step);
  if (found !== undefined) return found;
  const steps = [...new Set(listed.map((checkpoint) => checkpoint.step))];
  if (steps.length > 0)
    throw new BerthError(
      'CHECKPOINT_NOT_FOUND',
      `Run "${runId}" has no checkpoint of step ${step}; it has ${steps.join(', ')}`,
      { details: { runId } },
    );
  const names = await listModelNames(store);
  const known = names.length === 0 ? 'none' : names.join(', ');
  throw new BerthError(
    'CHECKPOINT_NOT_FOUND',
    `There is no model "${runId}" in ${store.describe()}, and no run of that name with a checkpoint; imported models: ${known}. ` +
      `A folder is written with a slash: ./${runId}`,
    { details: { runId } },
  );
}

/** As the copy of the run's record says; a run without one, whose coordinator died early, has one attempt. */
async function attemptsOf(store: ObjectStore, runId: string): Promise<Attempts> {
  const key = runRecordKey(runId);
  if ((await store.head(key)) === undefined) return [];
  const reading = readJson(runRecordSchema, new TextDecoder().decode(await store.get(key)));
  return reading.ok ? reading.value.attempts : [];
}
