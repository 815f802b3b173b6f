import { listModels, removeModel, removeModelName, type ListedModel } from '@berth/checkpoint';
import { BerthError, type ObjectStore } from '@berth/contracts';
import { listRuns, readStoredRecord } from '@berth/hugging-face';
import { withStore } from '../cluster-access.ts';
import { confirms } from '../confirms.ts';
import type { Context } from '../context.ts';
import { formatBytes, formatCount, formatTable } from '../format.ts';
import { withRuns } from '../runs.ts';

/** `berth models`: the models that runs can begin with, and which do. */
export async function listStoredModels(
  context: Context,
  options: { readonly json: boolean },
): Promise<void> {
  const models = await withStore(context, {}, async (store) => {
    const users = await usersOf(store, []);
    const listed = await listModels(store);
    return listed.map((model) => ({ ...model, runs: users.get(model.modelId) ?? [] }));
  });
  if (options.json) {
    const shown = models.map(({ stored, ...model }) => ({
      ...model,
      isWhole: stored !== undefined,
      model: stored?.model,
      doLowerCase: stored?.doLowerCase,
      origin: stored?.origin,
    }));
    context.print(JSON.stringify(shown));
    return;
  }
  const { berth } = context;
  context.print(
    models.length === 0
      ? `No models yet; store one with: ${berth} import ./FOLDER`
      : formatTable([
          ['name', 'sha256', 'model', 'size', 'from', 'runs that began with it'],
          ...models.map((model) => rowOf(model)),
        ]),
  );
}

export interface RemoveModelOptions {
  readonly json: boolean;
  /** Removes without asking. */
  readonly yes: boolean;
}

/**
 * `berth models rm`: removes a model for good; one that has other names too loses only the one that was said.
 * @throws BerthError `CHECKPOINT_NOT_FOUND`; `RUN_STATE_CONFLICT` when a run began with it, which may have to begin again
 */
export async function removeStoredModel(
  context: Context,
  what: string,
  { json, yes }: RemoveModelOptions,
): Promise<void> {
  const runs = await withRuns(context, async (reader) =>
    (await reader.list()).map(({ run }) => run),
  );
  await withStore(context, {}, async (store) => {
    const model = chooseModel(await listModels(store), what);
    const { modelId, names, sizeBytes } = model;
    const others = names.includes(what) ? names.filter((name) => name !== what) : [];
    if (others.length > 0) {
      await removeModelName(store, what);
      say(`${what} is no name any more; the model is still called ${others.join(', ')}`, 0);
      return;
    }
    const users = (await usersOf(store, runs)).get(modelId) ?? [];
    if (users.length > 0)
      throw new BerthError(
        'RUN_STATE_CONFLICT',
        `Runs began with ${what} and may have to again: ${users.join(', ')}; remove them first (${context.berth} rm ${users[0]})`,
        { details: { modelId } },
      );
    const question = `Remove ${what}, ${formatBytes(sizeBytes)}, for good? [y/N] `;
    if (!yes && !(await confirms(question))) {
      context.say('nothing was done');
      return;
    }
    await removeModel(store, model);
    say(`${what} has been removed`, sizeBytes);

    function say(text: string, freedBytes: number): void {
      context.print(json ? JSON.stringify({ modelId, names, freedBytes }) : text);
    }
  });
}

/** Enough of a SHA-256 to name a model by. */
const minDigits = 6;

function chooseModel(models: readonly ListedModel[], what: string): ListedModel {
  const named = models.find(({ names }) => names.includes(what));
  if (named !== undefined) return named;
  const isDigits = what.length >= minDigits && /^[0-9a-f]+$/.test(what);
  const found = models.filter(({ modelId }) => isDigits && modelId.startsWith(what));
  if (found.length === 1) return found[0]!;
  const known = models.flatMap(({ names, modelId }) =>
    names.length === 0 ? modelId.slice(0, 12) : names,
  );
  throw new BerthError(
    'CHECKPOINT_NOT_FOUND',
    found.length > 1
      ? `Several models begin with ${what}: ${found.map(({ modelId }) => modelId.slice(0, 16)).join(', ')}`
      : `There is no model "${what}"; known models: ${known.join(', ') || 'none'}`,
  );
}

/**
 * The runs that began with each model, by its SHA-256: those that the bucket has records of, and others that are known.
 */
async function usersOf(
  store: ObjectStore,
  known: readonly Begun[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const runs = new Map(known.map((run) => [run.runId, run]));
  for (const runId of await listRuns(store)) {
    const record: Begun | undefined = runs.has(runId)
      ? undefined
      : await readStoredRecord(store, runId);
    if (record !== undefined) runs.set(runId, record);
  }
  const users = new Map<string, string[]>();
  for (const { runId, config } of runs.values()) {
    const modelId = config.init?.sha256;
    if (modelId !== undefined) users.set(modelId, [...(users.get(modelId) ?? []), runId]);
  }
  return users;
}

/** What of a run says which model it began with. */
interface Begun {
  readonly runId: string;
  readonly config: { readonly init?: { readonly sha256?: string | undefined } | undefined };
}

function rowOf({
  modelId,
  names,
  sizeBytes,
  stored,
  runs,
}: ListedModel & { readonly runs: readonly string[] }): string[] {
  return [
    names.join(', ') || '-',
    modelId.slice(0, 12),
    stored === undefined ? 'not whole; import it again' : shapeOf(stored),
    formatBytes(sizeBytes),
    stored?.origin ?? '-',
    runs.join(', ') || 'none',
  ];
}

function shapeOf({ model, vocabulary, doLowerCase }: NonNullable<ListedModel['stored']>): string {
  const { numLayers, hiddenSize } = model;
  const entries = formatCount(vocabulary.numTokens);
  return `${numLayers} layers of ${hiddenSize}, ${entries} entries, ${doLowerCase ? 'uncased' : 'cased'}`;
}
