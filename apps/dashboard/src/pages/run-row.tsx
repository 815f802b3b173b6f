import type { JSX } from 'preact';
import type { RunStatusReport } from '@berth/contracts';
import { Chip, Progress } from '../components/parts.tsx';
import { Sparkline } from '../components/sparkline.tsx';
import {
  asSentence,
  formatAge,
  formatCompact,
  formatCount,
  formatDuration,
  formatNumber,
  plural,
  unknown,
} from '../format.ts';
import { pathOfRun } from '../router.ts';
import { nowMs } from '../state/live.ts';
import { isUnderWay, runLooks } from '../state/status.ts';

/** A run in the list of runs. */
export function RunRow({
  report,
  isOfGrid = false,
}: {
  readonly report: RunStatusReport;
  /** Below the row of its grid. */
  readonly isOfGrid?: boolean;
}): JSX.Element {
  const { run, step, numSteps, last, tokensPerSecond } = report;
  const look = runLooks[run.status];
  const ratio = step / numSteps;
  const { numEpochs } = run.config.train;
  return (
    <div class={isOfGrid ? 'run-row of-grid' : 'run-row'} role="row" data-run={run.runId}>
      <div class="run-name" role="cell">
        <div>
          <a href={pathOfRun(run.runId)} class="row-link">
            {run.config.name}
          </a>
          <Chip look={look} />
        </div>
        <p class="run-reason">{asSentence(run.reason)}</p>
      </div>
      <div class="run-progress" role="cell">
        <div class="run-progress-text">
          <span>
            {formatCount(step)}{' '}
            <span class="muted">
              / {numEpochs === undefined ? formatCount(numSteps) : plural(numEpochs, 'epoch')}
            </span>
          </span>
          <span class="muted">{etaOf(report)}</span>
        </div>
        <Progress ratio={ratio} tone={look.tone} label={`Progress of ${run.config.name}`} />
      </div>
      <div class="run-loss" role="cell" data-label="Loss">
        <Sparkline values={report.sparkline} label="Loss of the whole run" />
        <span>{formatNumber(last?.loss)}</span>
      </div>
      <div role="cell" data-label="Tokens/s">
        {isUnderWay(run.status) ? formatCompact(tokensPerSecond) : unknown}
      </div>
      <div role="cell" data-label="Workers">
        {report.numWorkersAlive}
        {report.numWorkersAlive < run.config.cluster.numWorkers && (
          <span class="muted"> / {run.config.cluster.numWorkers}</span>
        )}
      </div>
      <div role="cell" data-label="Checkpoint">
        {checkpointOf(report)}
      </div>
    </div>
  );
}

function etaOf(report: RunStatusReport): string {
  const { run, step, numSteps, etaMs, numExampleShards, preparation } = report;
  if (preparation !== undefined)
    return preparation.etaMs === null
      ? 'preparing'
      : `data in ${formatDuration(preparation.etaMs)}`;
  if (run.status === 'preparing') return plural(numExampleShards, 'example shard');
  if (etaMs !== null && isUnderWay(run.status)) return `${formatDuration(etaMs)} left`;
  return `${Math.floor((step / numSteps) * 100)}%`;
}

function checkpointOf({ checkpointStep, checkpointAtMs }: RunStatusReport): JSX.Element {
  if (checkpointStep === null) return <span class="muted">none yet</span>;
  return (
    <>
      {formatCount(checkpointStep)}
      {checkpointAtMs !== null && (
        <span class="muted"> · {formatAge(nowMs.value - checkpointAtMs)}</span>
      )}
    </>
  );
}
