import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '@berth/contracts';
import type { ClusterProcess } from '@berth/launch';
import type { FaultTimes } from './commit-fault.ts';
import type { DoneFault } from './done-fault.ts';
import type { RunWatch } from './run-watch.ts';
import { signal } from './signal.ts';
import type { Testbed } from './testbed.ts';

/**
 * Takes the bucket away until a worker has a state on disk, and kills that worker. Returns once the bucket is back.
 * @returns whether a step was committed without the victim
 */
export async function killWhileSpooled(
  testbed: Testbed,
  watch: RunWatch,
  { storeOutageMs }: FaultTimes,
): Promise<DoneFault['isRecovery']> {
  const { interruptStore } = testbed.disturb;
  if (interruptStore === undefined)
    throw new BerthError('USAGE', 'Only embedded services can be disturbed');
  while (!watch.isOver) {
    let isBack = false;
    const outage = interruptStore(storeOutageMs).finally(() => (isBack = true));
    await watch.until(
      () => spoolingWorker(testbed) !== undefined || isBack || watch.isOver,
      'a state on disk',
    );
    const victim = spoolingWorker(testbed);
    if (victim !== undefined) signal(victim, 'SIGKILL');
    await outage;
    if (victim !== undefined) return ({ members }) => !members.includes(victim.id);
  }
  return () => true;
}

/** The worker that has a state on disk; a killed one's states are another's to store. */
function spoolingWorker({ cluster, folder }: Testbed): ClusterProcess | undefined {
  const names = spooledNames(join(folder, 'spool'));
  return cluster
    .workers()
    .find(({ id }) => names.some((name) => name.endsWith(`.${encodeURIComponent(id)}.json`)));
}

function spooledNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Nobody has kept a state yet.
    return [];
  }
}
