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
        ? `, saved in ${formatDuration(saved.durationMs)}, for which training stood still for ${formatDuration(saved.stallMs)}`
        : '';
    lines.push(`checkpoint ${formatCount(checkpointStep)}${cost}`);
  }
  if (saving !== undefined) {
    const { step, forMs, spooledBytes, memberId } = saving;
    const where =
      spooledBytes === 0 ? '' : `; ${formatBytes(spooledBytes)} wait on the disk of ${memberId}`;
    lines.push(
      `saving step ${formatCount(step)}; the bucket lacks what was made in the last ${formatDuration(forMs)}${where}`,
    );
  }
  if (run.keptSteps.length > 0) lines.push(keptText(report));
  return lines;
}

/** Which checkpoints are kept for good. */
export function keptText({ run: { keptSteps } }: RunStatusReport): string {
  if (keptSteps.length === 0) return 'no checkpoint is pinned';
  const steps = keptSteps.map(formatCount).join(', ');
  return keptSteps.length === 1
    ? `checkpoint ${steps} is pinned`
    : `checkpoints ${steps} are pinned`;
}
