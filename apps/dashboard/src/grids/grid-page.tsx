import type { ComponentChildren, JSX } from 'preact';
import type { RunStatusReport } from '@berth/contracts';
import { gridReport, type GridCombination, type GridReport } from '@berth/contracts/constants';
import { Icon } from '../components/icon.tsx';
import { Chip, EmptyState, Progress, SkeletonRows, Tile } from '../components/parts.tsx';
import {
  asSentence,
  formatCount,
  formatDuration,
  formatNumber,
  plural,
  unknown,
} from '../format.ts';
import { pathOfRun } from '../router.ts';
import { loadError, nowMs, runs } from '../state/live.ts';
import { runLooks } from '../state/status.ts';
import { GridChart } from './grid-chart.tsx';
import { metricFormat, sayValue, sayValues, shortPath, trainedMs } from './grid-words.ts';

type Format = (value: number | null | undefined) => string;

/** What came out at the points of a grid, as they come. */
export function GridPage({ name }: { name: string }): JSX.Element {
  const all = runs.value;
  const report = all === null ? undefined : gridReport(name, all);
  if (all === null || report === undefined) return <NoGrid name={name} isRead={all !== null} />;
  const own = new Map(
    all.filter(({ run }) => run.grid?.name === name).map((one) => [one.run.runId, one]),
  );
  const first = report.points[0] && own.get(report.points[0].runId);
  const format = metricFormat(report, first?.run);
  return (
    <div class="page">
      <header class="run-head">
        <p class="crumbs">
          <a href="/">Runs</a>
          <span aria-hidden="true">/</span>
          <code>{name}</code>
        </p>
        <div class="run-title">
          <h1>{name}</h1>
          <span class="muted">
            a grid of {plural(report.points.length, 'point')}, {sayAxes(report)}
          </span>
        </div>
      </header>
      <Summary report={report} format={format} />
      <GridChart report={report} format={format} />
      <Combinations report={report} format={format} />
      <Points report={report} own={own} format={format} />
    </div>
  );
}

function NoGrid({ name, isRead }: { name: string; isRead: boolean }): JSX.Element {
  return (
    <div class="page">
      {!isRead && loadError.value === null ? (
        <SkeletonRows count={6} />
      ) : (
        <EmptyState
          icon="search"
          title={loadError.value === null ? 'There is no such grid' : 'Not reachable'}
        >
          <p>
            {loadError.value ?? <code>{name}</code>} <a href="/">See all runs</a>
          </p>
        </EmptyState>
      )}
    </div>
  );
}

function sayAxes({ paths, points }: GridReport): string {
  const parts = paths.map((path) => {
    const count = new Set(points.map(({ values }) => JSON.stringify(values[path]))).size;
    return path === 'seed' ? plural(count, 'seed') : `${count} of ${path}`;
  });
  return parts.join(' × ');
}

function Summary({ report, format }: { report: GridReport; format: Format }): JSX.Element {
  const { points, numCompleted, bestCombination, bestPoint, metric, combinations } = report;
  const best = bestCombination === null ? undefined : combinations[bestCombination];
  const point = points.find((one) => one.point === bestPoint);
  const failed = points.filter(({ status }) => status === 'failed').length;
  const hasSeeds = combinations.some((one) => one.points.length > 1);
  return (
    <dl class="tiles four">
      <Tile
        label="Done"
        value={
          <>
            {numCompleted} <small>of {points.length}</small>
          </>
        }
        note={
          failed > 0 ? `${failed} failed` : report.isOver ? 'nothing more to come' : 'under way'
        }
      />
      <Tile
        label="Compared by"
        value={metric.label}
        note={metric.isMoreBetter ? 'more is better' : 'less is better'}
      />
      <Tile
        label={hasSeeds ? 'Best settings, by the mean' : 'Best settings'}
        value={best === undefined ? unknown : <MeanOf of={best} format={format} />}
        note={best === undefined ? 'once a point is done' : sayValues(best.values)}
      />
      <Tile
        label="Best point"
        value={point === undefined ? unknown : format(point.best?.value)}
        note={
          point === undefined ? (
            'once a point is done'
          ) : (
            <a href={pathOfRun(point.runId)}>
              {point.runId}, step {formatCount(point.best?.step)}
            </a>
          )
        }
      />
    </dl>
  );
}

function MeanOf({ of, format }: { of: GridCombination; format: Format }): JSX.Element {
  return (
    <>
      {format(of.mean)}
      {of.spread !== null && <small> ± {format(of.spread)}</small>}
    </>
  );
}

function Combinations({ report, format }: { report: GridReport; format: Format }): JSX.Element {
  const { combinations, bestCombination, metric } = report;
  const paths = report.paths.filter((path) => path !== 'seed');
  return (
    <Table title="Settings" note="mean ± standard deviation over the seeds">
      <thead>
        <tr>
          <Heads paths={paths} />
          <th scope="col" class="number">
            {metric.label}
          </th>
          <th scope="col" class="number">
            Held-out loss
          </th>
          <th scope="col" class="number">
            Points done
          </th>
        </tr>
      </thead>
      <tbody>
        {combinations.map((one, place) => (
          <tr key={place} class={place === bestCombination ? 'chosen-row' : ''}>
            <Values paths={paths} values={one.values} />
            <td class="number strong" data-label={metric.label}>
              <MeanOf of={one} format={format} />
              {place === bestCombination && <Best />}
            </td>
            <td class="number" data-label="Held-out loss">
              {formatNumber(one.meanLoss)}
            </td>
            <td class="number" data-label="Points done">
              {one.numValues} of {one.points.length}
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Points(props: {
  readonly report: GridReport;
  readonly own: ReadonlyMap<string, RunStatusReport>;
  readonly format: Format;
}): JSX.Element {
  const { report, own, format } = props;
  const { metric, points, paths, bestPoint } = report;
  return (
    <Table title="Points" note="the best checkpoint of each">
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">State</th>
          <Heads paths={paths} />
          <th scope="col" class="number">
            {metric.label}
          </th>
          <th scope="col" class="number">
            Held-out loss
          </th>
          <th scope="col">Steps</th>
          <th scope="col" class="number">
            Trained
          </th>
        </tr>
      </thead>
      <tbody>
        {points.map((point) => {
          const { runId, status, best, step, numSteps, etaMs } = point;
          const run = own.get(runId);
          return (
            <tr key={runId} data-run={runId} class={point.point === bestPoint ? 'chosen-row' : ''}>
              <td class="full">
                <a class="strong" href={pathOfRun(runId)}>
                  {runId}
                </a>
                {status === 'failed' && <span class="sub">{asSentence(point.reason)}</span>}
              </td>
              <td class="full">
                <Chip look={runLooks[status]} />
              </td>
              <Values paths={paths} values={point.values} />
              <td class="number" data-label={metric.label}>
                {format(best?.value)}
                {point.point === bestPoint ? (
                  <Best />
                ) : (
                  best !== null && <span class="sub">step {formatCount(best.step)}</span>
                )}
              </td>
              <td class="number" data-label="Held-out loss">
                {formatNumber(best?.loss)}
              </td>
              <td data-label="Steps" class="point-steps">
                {formatCount(step)} <span class="muted">/ {formatCount(numSteps)}</span>
                <Progress
                  ratio={step / numSteps}
                  tone={runLooks[status].tone}
                  label={`Progress of ${runId}`}
                />
              </td>
              <td class="number" data-label="Trained">
                {formatDuration(run && trainedMs(run, nowMs.value))}
                {etaMs !== null && status === 'running' && (
                  <span class="sub">{formatDuration(etaMs)} left</span>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </Table>
  );
}

function Table(props: {
  readonly title: string;
  readonly note: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <section class="card flush">
      <header class="card-head">
        <h2>{props.title}</h2>
        <span class="muted">{props.note}</span>
      </header>
      <div class="table-scroll" tabIndex={0} role="region" aria-label={props.title}>
        <table class="data cards">{props.children}</table>
      </div>
    </section>
  );
}

function Heads({ paths }: { paths: readonly string[] }): JSX.Element {
  return (
    <>
      {paths.map((path) => (
        <th scope="col" key={path} title={path}>
          {shortPath(path)}
        </th>
      ))}
    </>
  );
}

function Values(props: {
  readonly paths: readonly string[];
  readonly values: GridCombination['values'];
}): JSX.Element {
  return (
    <>
      {props.paths.map((path) => (
        <td key={path} data-label={shortPath(path)}>
          {sayValue(props.values[path])}
        </td>
      ))}
    </>
  );
}

function Best(): JSX.Element {
  return (
    <span class="sub best-mark">
      <Icon name="check" /> the best
    </span>
  );
}
