import {
  corpusWeightsText,
  taskOfRun,
  type RunAttempt,
  type RunStatusReport,
} from '@berth/contracts';
import { formatDuration } from '@berth/launch';
import { bestText } from './best-text.ts';
import { formatCount } from './format.ts';
import { heldOutLines } from './held-out-lines.ts';

export interface SummaryOptions {
  /** How berth is called here. */
  readonly berth: string;
  /** The run's file as it was named, if it was. */
  readonly file?: string | undefined;
  /** What the run's state is called. @defaultValue its status */
  readonly status?: string;
  /** Whether these words were asked for by `berth status`, which then is no news. @defaultValue false */
  readonly isStatus?: boolean;
}

/** The last words about a run: what came out, and what to type next. */
export function summaryOf(report: RunStatusReport, options: SummaryOptions): string {
  const { run, step, numSteps, lastEval, checkpointStep, best } = report;
  const lines = [`${run.runId}: ${options.status ?? run.status}, ${run.reason}`];
  if (step > 0) lines.push(`  steps       ${formatCount(step)} of ${formatCount(numSteps)}`);
  const { phase } = report;
  if (phase !== undefined)
    lines.push(
      `  phase       ${phase.number} of ${phase.numPhases}: ${formatCount(phase.globalBatch)} examples of ` +
        `${formatCount(phase.maxSeqLength)} tokens, up to step ${formatCount(phase.endStep)}`,
    );
  const text = corpusWeightsText(run.config, phase?.number ?? 1);
  if (text !== undefined) lines.push(`  text        ${text}`);
  if (report.last !== null) lines.push(`  train loss  ${report.last.loss.toFixed(3)}`);
  if (lastEval !== null)
    lines.push(
      `  held-out    loss ${lastEval.loss.toFixed(3)} at step ${formatCount(lastEval.step)}`,
      ...heldOutLines(taskOfRun(run), lastEval).map((text) => `    ${text}`),
    );
  if (checkpointStep !== null) {
    const of = phasesText(report.bestPhases);
    const which = best === null ? '' : `; the best${of} is step ${formatCount(best.step)}`;
    const loss = best === null ? '' : `, ${bestText(run, best)}, and stays`;
    lines.push(`  checkpoint  step ${formatCount(checkpointStep)}${which}${loss}`);
    if (of !== '')
      lines.push(
        '    phases with other examples are evaluated on these: such losses do not compare',
      );
  }
  if (run.keptSteps.length > 0)
    lines.push(`  pinned      ${run.keptSteps.map(formatCount).join(', ')}`);
  if (run.exported !== undefined) {
    const isBehind = run.exported.endStep <= report.step;
    lines.push(
      `  export      ${run.exported.text}${isBehind ? '' : '; the run has gone back since'}`,
    );
  }
  const time = timeText(run.attempts);
  if (time !== undefined) lines.push(`  time        ${time}`);
  const next = nextCommands(report, options);
  return (next.length === 0 ? lines : [...lines, 'next:', ...next]).join('\n');
}

/** ` of phase 2`; nothing where the best is that of all. */
function phasesText(phases: RunStatusReport['bestPhases']): string {
  if (phases === undefined) return '';
  return ` of ${phases.length === 1 ? 'phase' : 'phases'} ${phases.join(', ')}`;
}

/** What can be typed now. */
function nextCommands(
  { run, step, checkpointStep }: RunStatusReport,
  { berth, file, isStatus = false }: SummaryOptions,
): string[] {
  const { runId, status, goal } = run;
  const train = `  ${berth} train ${file ?? '<its run file>'}`;
  const next: string[] = [];
  if (goal === 'prepared' && status === 'completed') next.push(train);
  else if (status === 'failed' && step === 0) next.push(`${train}   once it is put right`);
  else if (status !== 'completed') next.push(`  ${berth} resume ${runId}`);
  if (!isStatus) next.push(`  ${berth} status ${runId}`);
  if (step > 0) next.push(`  ${berth} ledger verify ${runId}`);
  if (checkpointStep !== null && run.labelledData !== undefined)
    next.push(`  ${berth} predict ${runId} <file of rows>`);
  if (checkpointStep !== null) next.push(`  ${berth} export ${runId} --to ${runId}-bert`);
  return next;
}

/** `12m 30s in 2 attempts`; undefined while one is under way. */
function timeText(attempts: readonly RunAttempt[]): string | undefined {
  let totalMs = 0;
  for (const { startedAtMs, endedAtMs } of attempts) {
    if (endedAtMs === null) return undefined;
    totalMs += endedAtMs - startedAtMs;
  }
  const count = attempts.length === 1 ? '' : ` in ${attempts.length} attempts`;
  return `${formatDuration(totalMs)}${count}`;
}
