import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { RunStatusReport } from '@berth/contracts';
import {
  evalMetrics,
  stepMetrics,
  taskChoiceOf,
  taskOf,
  type TaskChoice,
} from '@berth/contracts/constants';
import { Chip, EmptyState, Progress, SkeletonRows } from '../components/parts.tsx';
import { RemoveRun } from '../components/remove-run.tsx';
import { ReasonLine } from '../components/reason-line.tsx';
import { RunControls } from '../components/run-controls.tsx';
import { DataTab } from '../data/data-tab.tsx';
import { EvaluationTab } from '../evaluation/evaluation-tab.tsx';
import { lengthText } from '../fine-tuning-facts.ts';
import { formatCount, formatDuration } from '../format.ts';
import { pathOfGrid, pathOfRun, runTabs, type RunTab } from '../router.ts';
import { checkpoints, loadError, openRun, runs, workers } from '../state/live.ts';
import { followHistory } from '../state/run-history.ts';
import { isUnderWay, runLooks } from '../state/status.ts';
import { TryItTab } from '../try-it/try-it-tab.tsx';
import { CheckpointsTab } from './checkpoints-tab.tsx';
import { LogsTab } from './logs-tab.tsx';
import { MetricsTab } from './metrics-tab.tsx';
import { OverviewTab } from './overview-tab.tsx';
import { WorkersTab } from './workers-tab.tsx';

const labels: Readonly<Record<RunTab, string>> = {
  overview: 'Overview',
  metrics: 'Metrics',
  evaluation: 'Evaluation',
  data: 'Data',
  workers: 'Workers',
  checkpoints: 'Checkpoints',
  'try-it': 'Try it',
  logs: 'Logs',
};

/** Everything about one run. */
export function RunPage({ runId, tab }: { runId: string; tab: RunTab }): JSX.Element {
  const history = useMemo(() => followHistory(runId), [runId]);
  useEffect(() => history.close, [history]);
  const report = openRun.value;
  // Each event brings the run anew; the charts are those of one task.
  const choice = report && JSON.stringify(taskChoiceOf(report.run));
  const task = useMemo(
    () => (choice === undefined ? undefined : taskOf(JSON.parse(choice) as TaskChoice)),
    [choice],
  );
  useEffect(() => {
    if (tab !== 'overview' && tab !== 'metrics') return;
    if (tab === 'overview' || task === undefined) {
      void history.want(['loss'], ['loss']);
      return;
    }
    // What is seen first is read first.
    const [ofSteps, ofEvals] = [stepMetrics(task), evalMetrics(task)];
    void history
      .want(ofSteps.slice(0, 3), ofEvals.slice(0, 3))
      .then(() => history.want(ofSteps, ofEvals));
  }, [history, tab, task]);
  if (report === undefined) return <NoRun runId={runId} />;
  const { run, step, numSteps, etaMs } = report;
  const look = runLooks[run.status];
  const counts: Partial<Record<RunTab, number | undefined>> = {
    workers: workers.value?.filter(({ state }) => state !== 'lost').length,
    checkpoints: checkpoints.value?.filter(({ isAbandoned }) => !isAbandoned).length,
  };
  return (
    <div class="page">
      <header class="run-head">
        <p class="crumbs">
          <a href="/">Runs</a>
          <span aria-hidden="true">/</span>
          {run.grid !== undefined && (
            <>
              <a href={pathOfGrid(run.grid.name)}>{run.grid.name}</a>
              <span aria-hidden="true">/</span>
            </>
          )}
          <code>{run.runId}</code>
        </p>
        <div class="run-title">
          <h1>{run.config.name}</h1>
          <Chip look={look} />
          <RunControls report={report} />
          <RemoveRun report={report} />
        </div>
        <ReasonLine report={report} />
        <div class="run-bar">
          <Progress ratio={step / numSteps} tone={look.tone} label="Progress" />
          <span>
            <strong>{formatCount(step)}</strong>
            <span class="muted"> of {lengthText(report)}</span>
          </span>
          {etaMs !== null && isUnderWay(run.status) && (
            <span class="muted">{formatDuration(etaMs)} left</span>
          )}
        </div>
        <nav class="tabs" aria-label="Run">
          {tabsOf(run).map((name) => (
            <a
              key={name}
              href={pathOfRun(runId, name)}
              aria-current={name === tab ? 'page' : undefined}
              ref={name === tab ? bringIntoView : null}
            >
              {labels[name]}
              {counts[name] !== undefined && <span class="tab-count">{counts[name]}</span>}
            </a>
          ))}
        </nav>
      </header>
      {tab === 'overview' && <OverviewTab report={report} history={history} />}
      {tab === 'metrics' && task !== undefined && (
        <MetricsTab
          history={history}
          task={task}
          lastEval={report.lastEval}
          network={report.network}
          numSteps={step}
        />
      )}
      {tab === 'evaluation' && <EvaluationTab report={report} />}
      {tab === 'data' && <DataTab report={report} />}
      {tab === 'workers' && <WorkersTab report={report} />}
      {tab === 'checkpoints' && <CheckpointsTab report={report} />}
      {tab === 'try-it' && <TryItTab report={report} />}
      {tab === 'logs' && <LogsTab runId={runId} />}
    </div>
  );
}

/** Only fine-tunings are evaluated example by example. */
function tabsOf({ config }: RunStatusReport['run']): readonly RunTab[] {
  return config.task === undefined ? runTabs.filter((name) => name !== 'evaluation') : runTabs;
}

/** Where the tabs are wider than the page, the one that is open shows; the page itself stays where it is. */
function bringIntoView(tab: HTMLElement | null): void {
  const strip = tab?.parentElement;
  if (!tab || !strip) return;
  const middle = tab.offsetLeft - strip.offsetLeft + tab.offsetWidth / 2;
  strip.scrollLeft = middle - strip.clientWidth / 2;
}

function NoRun({ runId }: { runId: string }): JSX.Element {
  if (runs.value === null && loadError.value === null)
    return (
      <div class="page">
        <SkeletonRows count={6} />
      </div>
    );
  return (
    <div class="page">
      <EmptyState
        icon="search"
        title={loadError.value === null ? 'There is no such run' : 'Not reachable'}
      >
        <p>
          {loadError.value ?? <code>{runId}</code>} <a href="/">See all runs</a>
        </p>
      </EmptyState>
    </div>
  );
}
