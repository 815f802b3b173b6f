import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** A tenth of what a process of training gets where both want the same processor: people wait for answers, so not nothing. */
const priority = constants.priority.PRIORITY_BELOW_NORMAL;
const numTries = 5;
/** The kernel takes such a change ten times a second at most, from all processes together. */
const pauseMs = 150;

/**
 * Lets all others have the processor first. Where Linux gives each session a share of its own (`sched_autogroup`, sched(7)), a
 * priority counts among the processes of a session only, so that of the session, which must be this process' own, is lowered too.
 */
export async function giveWay(): Promise<void> {
  setPriority(priority);
  for (let tries = 0; tries < numTries; tries++) {
    try {
      writeFileSync('/proc/self/autogroup', String(priority));
      return;
    } catch (error) {
      // There is no such thing on most systems.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      await sleep(pauseMs);
    }
  }
}
