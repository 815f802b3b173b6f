import { BerthError, type InitialModel } from '@berth/contracts';
import type { RunFile } from '@berth/launch';
import { withStore } from './cluster-access.ts';
import type { Context } from './context.ts';

/**
 * The stored model that a run file begins with, in the bucket when this returns; `undefined` for one that begins from its seed.
 * @throws BerthError `CHECKPOINT_NOT_FOUND` when there is none, `CONFIG_INVALID` when it is not the one that the file names by its
 * SHA-256, and what reading or storing it throws
 */
export async function initialModel(
  context: Context,
  { init, input, sourceOf }: RunFile,
): Promise<InitialModel | undefined> {
  if (init === undefined) return undefined;
  const { from, sha256 } = init;
  const { findModel, namesFolder } = await import('@berth/checkpoint');
  if (!namesFolder(from))
    return withStore(context, {}, (store) => findModel(store, init, context.logger));
  const { importFolder } = await import('./import-folder.ts');
  const { folder, stored } = await importFolder(context, from, {
    keepsHead: input['task'] !== undefined,
  });
  if (sha256 !== undefined && sha256 !== stored.modelId)
    throw new BerthError(
      'CONFIG_INVALID',
      `${sourceOf(['init', 'sha256'])}: init.sha256: ${sha256}, but ${from} holds the model ${stored.modelId}`,
    );
  for (const note of folder.notes) context.say(`note: ${note}`);
  const fresh = folder.rows.filter(({ state }) => state === 'missing').map(({ name }) => name);
  if (fresh.length > 0) context.say(`note: ${from} lacks ${fresh.join(', ')}: drawn from the seed`);
  return stored;
}
