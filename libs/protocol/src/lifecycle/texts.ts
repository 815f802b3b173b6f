import type { ControlSnapshot } from './control-snapshot.ts';

export const savingNow = 'it is being saved already';

/** How much of a run no checkpoint holds: "5 steps (2 min) since checkpoint 40"; undefined when one holds all. */
export function unsavedText({
  numCommitted,
  checkpointSteps,
  unsavedMs,
}: ControlSnapshot): string | undefined {
  const saved = checkpointSteps.at(-1) ?? 0;
  const unsaved = numCommitted - saved;
  if (unsaved <= 0) return undefined;
  const since = checkpointSteps.length === 0 ? 'the beginning' : `checkpoint ${saved}`;
  return `${stepsText(unsaved)} (${durationText(unsavedMs)}) since ${since}`;
}

/** From where a run goes on: "from checkpoint 40; 5 steps after it, not saved, will be done again". */
export function whence({ checkpointSteps }: ControlSnapshot, fromStep: number): string {
  const saved = checkpointSteps.at(-1);
  if (saved === undefined)
    return fromStep === 0 ? 'from the beginning' : 'from its newest checkpoint';
  const redone = fromStep - saved;
  if (redone <= 0) return `from checkpoint ${saved}`;
  return `from checkpoint ${saved}; ${stepsText(redone)} after it, not saved, will be done again`;
}

/** What people read of a request that is refused. */
export function refusalText(verb: string, runId: string, reason: string): string {
  return `Cannot ${verb} run "${runId}": ${reason}`;
}

/** What an extension gives up that goes back to where its decay began. */
export function goesBackText(from: number, to: number, numSteps: number): string {
  return (
    `goes back from step ${from} to ${to}, as far as its rates are those of ${numSteps} steps: ` +
    'what it did after that becomes a branch, which is kept and cannot be gone on with'
  );
}

export function stepsText(count: number): string {
  return count === 1 ? '1 step' : `${count} steps`;
}

/** "12 s", "3 min", "2.5 h" */
export function durationText(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
