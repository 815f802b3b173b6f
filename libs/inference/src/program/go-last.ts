import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const numTries = 5;
/** The kernel takes such a change ten times a second at most, from all processes together. */
const pauseMs = 150;

/**
 * Leaves the processor to all others. Where Linux gives each session a share of its own (`sched_autogroup`, sched(7)), a priority
 * counts among the processes of a session only, so that of the session, which must be this process' own, is lowered too.
 */
export async function goLast(): Promise<void> {
  setPriority(constants.priority.PRIORITY_LOW);
  for (let tries = 0; tries < numTries; tries++) {
    try {
      writeFileSync('/proc/self/autogroup', String(constants.priority.PRIORITY_LOW));
      return;
    } catch (error) {
      // There is no such thing on most systems.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      await sleep(pauseMs);
    }
  }
}
