import type { JSX } from 'preact';
import type { RunStatusReport } from '@berth/contracts';
import { gridReport } from '@berth/contracts/constants';
import { IconButton } from '../components/button.tsx';
import { Chip, Progress } from '../components/parts.tsx';
import { formatCompact, formatDuration, plural, unknown } from '../format.ts';
import { pathOfGrid } from '../router.ts';
import { isUnderWay, runLooks } from '../state/status.ts';
import { metricFormat, sayValues } from './grid-words.ts';

/** All runs of a grid as one row of the list of runs. */
export function GridRow(props: {
  readonly name: string;
  readonly reports: readonly RunStatusReport[];
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}): JSX.Element | null {
  const { name, reports, isOpen, onToggle } = props;
  const report = gridReport(name, reports);
  const [first] = reports;
  if (report === undefined || first === undefined) return null;
  const active = reports.find(({ run }) => isUnderWay(run.status) && run.status !== 'queued');
  const failed = reports.find(({ run }) => run.status === 'failed');
  const queued = reports.find(({ run }) => run.status === 'queued');
  const look = runLooks[(active ?? queued ?? failed ?? first).run.status];
  const sum = (of: (one: RunStatusReport) => number): number =>
    reports.reduce((total, one) => total + of(one), 0);
  const best = report.bestCombination === null ? null : report.combinations[report.bestCombination];
  const format = metricFormat(report, first.run);
  const left = active?.etaMs ?? null;
  return (
    <div class="run-row grid-row" role="row" data-grid={name}>
      <div class="run-name" role="cell">
        <div>
          <a href={pathOfGrid(name)} class="row-link">
            {name}
          </a>
          <Chip look={look} />
          <IconButton
            icon={isOpen ? 'down' : 'chevron'}
            label={isOpen ? `Hide the runs of ${name}` : `Show the runs of ${name}`}
            isPressed={isOpen}
            onClick={onToggle}
          />
        </div>
        <p class="run-reason">
          A grid of {plural(reports.length, 'run')}
          {best !== null && best !== undefined && `; best so far: ${sayValues(best.values)}`}.
        </p>
      </div>
      <div class="run-progress" role="cell">
        <div class="run-progress-text">
          <span>
            {report.numCompleted} <span class="muted">/ {plural(reports.length, 'point')}</span>
          </span>
          <span class="muted">{left === null ? '' : `${formatDuration(left)} for this one`}</span>
        </div>
        <Progress
          ratio={sum(({ step }) => step) / sum(({ numSteps }) => numSteps)}
          tone={look.tone}
          label={`Progress of ${name}`}
        />
      </div>
      <div class="run-loss" role="cell" data-label={report.metric.label}>
        <span class="muted">{report.metric.label}</span>
        <span>{format(best?.mean)}</span>
      </div>
      <div role="cell" data-label="Tokens/s">
        {active === undefined ? unknown : formatCompact(active.tokensPerSecond)}
      </div>
      <div role="cell" data-label="Workers">
        {sum(({ numWorkersAlive }) => numWorkersAlive)}
      </div>
      <div role="cell" data-label="Checkpoint" />
    </div>
  );
}
