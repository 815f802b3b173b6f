import type { RunStatusReport } from '@berth/contracts';
import { formatCount } from './format.ts';

/** The last words about a run: what came out, and what to type next. */
export function summaryOf(report: RunStatusReport): string {
  const { run, step, numSteps, lastEval, checkpointStep } = report;
  const lines = [`${run.runId}: ${run.status}, ${run.reason}`];
  if (step > 0) lines.push(`  steps       ${formatCount(step)} of ${formatCount(numSteps)}`);
  if (lastEval !== null)
    lines.push(
      `  held-out    masked_lm_loss ${lastEval.masked_lm_loss.toFixed(3)}, ` +
        `masked_lm_accuracy ${lastEval.masked_lm_accuracy.toFixed(3)}, ` +
        `next_sentence_accuracy ${lastEval.next_sentence_accuracy.toFixed(3)}`,
    );
  if (checkpointStep !== null) lines.push(`  checkpoint  step ${formatCount(checkpointStep)}`);
  lines.push('next:');
  if (run.status !== 'completed' || run.goal === 'prepared')
    lines.push(
      run.goal === 'prepared'
        ? '  berth train <the same file>       train on the prepared data'
        : `  berth resume ${run.runId}`,
    );
  lines.push(`  berth status ${run.runId}`);
  if (step > 0) lines.push(`  berth ledger verify ${run.runId}`);
  return lines.join('\n');
}
