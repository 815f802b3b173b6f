import type { CheckpointReport, Marker, RunEvent, RunRecord } from '@berth/contracts';

/** What is marked on a run's charts, by time. */
export function markersOf(
  run: RunRecord,
  checkpoints: readonly CheckpointReport[],
  events: readonly RunEvent[],
): Marker[] {
  const resumes = run.attempts.slice(1).map(({ attempt, fromStep, startedAtMs }) => ({
    kind: 'resume' as const,
    attempt,
    step: fromStep,
    timeMs: startedAtMs,
    text: `attempt ${attempt} goes on from step ${fromStep}`,
  }));
  const saved = checkpoints
    .filter(({ validity }) => validity === 'complete')
    .map(({ attempt, step, createdAtMs, kind }) => ({
      kind: 'checkpoint' as const,
      attempt,
      step,
      timeMs: createdAtMs,
      text: `checkpoint of step ${step}, ${kind}`,
    }));
  return [...resumes, ...saved, ...events.flatMap(markersFrom)].sort((a, b) => a.timeMs - b.timeMs);
}

/** How an event is marked; not at all where the record or the bucket says the same. */
export function markersFrom({ kind, attempt, step, timeMs, text }: RunEvent): Marker[] {
  return kind === 'saved' || kind === 'rewound' || kind === 'exported'
    ? []
    : [{ kind, attempt, step, timeMs, text }];
}
