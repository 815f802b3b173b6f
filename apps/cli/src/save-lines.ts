import { formatBytes, type RunStatusReport } from '@berth/contracts';
import { formatDuration } from '@berth/launch';
import { formatCount } from './format.ts';

/** What is to be said of a run's checkpoints: the newest, which are kept, and what the bucket has yet to take. */
export function saveLines(report: RunStatusReport): string[] {
  const { checkpointStep, saved, saving, run } = report;
  const lines: string[] = [];
  if (checkpointStep !== null) {
    const cost =
      saved?.step === checkpointStep
        ? `, saved in ${shortTime(saved.durationMs)}, for which training stood still for ${shortTime(saved.stallMs)}`
        : '';
    lines.push(`checkpoint ${formatCount(checkpointStep)}${cost}`);
  }
  if (saving !== undefined) {
    const { step, forMs, spooledBytes, spooledStep, memberId } = saving;
    const where =
      spooledStep === undefined
        ? ''
        : `; step ${formatCount(spooledStep)} (${formatBytes(spooledBytes)}) waits on the disk of ${memberId}`;
    lines.push(
      `saving step ${formatCount(step)}; the bucket lacks what was made in the last ${formatDuration(forMs)}${where}`,
    );
  }
  if (run.keptSteps.length > 0) lines.push(keptText(report));
  return lines;
}

/** `40 ms`, `1.2 s`, and longer ones as everywhere. */
function shortTime(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : formatDuration(ms);
}

/** Which checkpoints are kept for good. */
export function keptText({ run: { keptSteps } }: RunStatusReport): string {
  if (keptSteps.length === 0) return 'no checkpoint is pinned';
  const steps = keptSteps.map(formatCount).join(', ');
  return keptSteps.length === 1
    ? `checkpoint ${steps} is pinned`
    : `checkpoints ${steps} are pinned`;
}
