import { isOnLine } from '@berth/checkpoint';
import { decideSpooled } from '../member/spooled-state.ts';
import { workerOf } from '../run/worker-name.ts';
import { shardIndexes, type Saver } from './saver.ts';
import type { SpooledSnapshot } from './sim-disk.ts';
import type { SimProcess } from './sim-process.ts';
import type { World } from './world.ts';

/** Stores what processes that are gone have left on this machine's disk, as `storeSpooled` of libs/training does it. */
export function storeSpooled(
  world: World,
  process: SimProcess,
  saver: Saver,
  done: () => void,
): void {
  const disk = world.diskOf(workerOf(process.name));
  const storeNext = ([found, ...others]: readonly SpooledSnapshot[]): void => {
    if (found === undefined) {
      done();
      return;
    }
    const { snapshot, ledgerHead } = found;
    const { step } = snapshot;
    const store = (attempt: number): void => {
      const moved = { ...snapshot, attempt };
      const all = shardIndexes(() => true);
      saver.upload(moved, all, (uploaded) => {
        if (!uploaded) done();
        else
          saver.writeManifest(moved, (error) => {
            if (error !== undefined) {
              done();
              return;
            }
            disk.forget(found);
            storeNext(others);
          });
      });
    };
    world.call(
      process,
      ({ record, ledger }) => ({ attempts: record.attempts, head: ledger[step - 1]?.head }),
      ({ attempts, head }) =>
        world.storeCall(
          process,
          (bucket) => bucket.newestValid(attempts)?.step ?? 0,
          (newestStep) => {
            const context = { isOfRun: isOnLine(attempts, snapshot), newestStep, head };
            const isBlind = world.sabotage === 'spool-unproven';
            const decision = isBlind ? 'store' : decideSpooled({ step, ledgerHead }, context);
            world.trace.note(process.name, `step ${step} was left on disk: ${decision}`);
            if (decision === 'store') {
              store(attempts.at(-1)?.attempt ?? 1);
              return;
            }
            if (decision === 'delete') disk.forget(found);
            storeNext(others);
          },
          done,
        ),
      done,
    );
  };
  if (world.sabotage === 'no-spool-look') {
    done();
    return;
  }
  const left = disk.found.filter(({ owner }) => owner !== process.name);
  for (const state of left) state.isTried = true;
  storeNext(left);
}
