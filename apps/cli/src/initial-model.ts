import { findModel, namesFolder } from '@berth/checkpoint';
import type { InitialModel } from '@berth/contracts';
import type { RunFile } from '@berth/launch';
import { withStore } from './cluster-access.ts';
import type { Context } from './context.ts';

/**
 * The stored model that a run file begins with, in the bucket when this returns; `undefined` for one that begins from its seed.
 * @throws BerthError `CHECKPOINT_NOT_FOUND` when there is none, and what reading or storing it throws
 */
export async function initialModel(
  context: Context,
  { init }: RunFile,
): Promise<InitialModel | undefined> {
  if (init === undefined) return undefined;
  const isNew = namesFolder(init.from);
  return withStore(context, { isNew }, (store) => findModel(store, init, context.logger));
}
