import type { ClusterProcess } from '@berth/launch';
import type { RunWatch } from './run-watch.ts';
import { signal } from './signal.ts';
import type { Testbed } from './testbed.ts';

const numDeaths = 4;

/** Kills a worker as soon as it has a seat, again and again. @returns the process that died last */
export async function crashLoop(
  first: ClusterProcess,
  { cluster }: Testbed,
  watch: RunWatch,
): Promise<ClusterProcess> {
  let victim = first;
  signal(victim, 'SIGKILL');
  for (let death = 2; death <= numDeaths; death++) {
    const back = (): ClusterProcess | undefined =>
      cluster
        .workers()
        .find(
          ({ id, index }) =>
            index === first.index &&
            id !== victim.id &&
            watch.view?.members.some(({ memberId }) => memberId === id),
        );
    const isBack = (): boolean => watch.isOver || back() !== undefined;
    await watch.until(isBack, 'a worker to come back');
    const next = back();
    if (next === undefined) break;
    victim = next;
    signal(victim, 'SIGKILL');
  }
  return victim;
}
