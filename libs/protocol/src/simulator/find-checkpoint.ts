import type { WireError } from '@berth/contracts';
import type { Ask } from '../index.ts';
import type { SimProcess } from './sim-process.ts';
import { simError, type World } from './world.ts';

/** As `newestStep` of the checkpoint saver: with checkpoints only beyond the ledger, nobody begins from the seed. */
export function findCheckpoint(
  world: World,
  process: SimProcess,
  { minStep, maxStep }: Extract<Ask, { kind: 'findCheckpoint' }>,
  done: (step: number | undefined) => void,
  fail: (error: WireError) => void,
): void {
  world.storeCall(
    process,
    (store) => {
      const { attempts } = world.redis.record;
      const step = (limit?: number): number => store.newestValid(attempts, limit)?.step ?? -1;
      return { found: step(maxStep), newest: step() };
    },
    ({ found, newest }) => {
      const isBehind = minStep === 0 && found < 0 && newest >= 0;
      const isBlind = minStep > 0 && world.sabotage === 'no-late-look';
      if (isBehind && world.sabotage !== 'no-restore')
        fail(simError('LEDGER_BEHIND', `there is a checkpoint of step ${newest}`));
      else done(found < minStep || isBlind ? undefined : found);
    },
    fail,
  );
}
