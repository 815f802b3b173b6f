import type { WireError } from '@berth/contracts';
import type { SimProcess } from './sim-process.ts';
import { simError, type World } from './world.ts';

/** As `newestStep` of the checkpoint saver: with checkpoints only beyond the ledger, nobody begins from the seed. */
export function findCheckpoint(
  world: World,
  process: SimProcess,
  maxStep: number,
  done: (step: number | undefined) => void,
  fail: (error: WireError) => void,
): void {
  world.storeCall(
    process,
    (store) => {
      const { attempts } = world.redis.record;
      const step = (limit?: number): number | undefined => store.newestValid(attempts, limit)?.step;
      return { found: step(maxStep), newest: step() };
    },
    ({ found, newest }) => {
      const isBehind = found === undefined && newest !== undefined;
      if (isBehind && world.sabotage !== 'no-restore')
        fail(simError('LEDGER_BEHIND', `there is a checkpoint of step ${newest}`));
      else done(found);
    },
    fail,
  );
}
