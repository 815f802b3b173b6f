import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { MetricsLine, NetworkReport } from '@berth/contracts';
import { describeNetwork, type Task } from '@berth/contracts/constants';
import { ChartCard } from '../charts/chart-card.tsx';
import { levelsOf } from '../charts/levels.ts';
import { smoothingWindows, windowFor, windowOnAxis } from '../charts/smoothing.ts';
import { chartSpecs } from '../charts/specs.ts';
import { Button, IconButton } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { formatCount, formatDateTime } from '../format.ts';
import {
  chooseAxis,
  chooseSmoothing,
  chosenAxis,
  chosenSmoothing,
} from '../state/chart-settings.ts';
import type { RunHistory } from '../state/run-history.ts';
import { markerWords } from '../charts/markers.ts';

const sections = [
  { id: 'learning', title: 'Learning' },
  { id: 'speed', title: 'Speed' },
] as const;

export interface MetricsTabProps {
  readonly history: RunHistory;
  readonly task: Task;
  readonly lastEval: MetricsLine | null;
  readonly network: NetworkReport | undefined;
  /** Steps that the run has made. */
  readonly numSteps: number;
}

/** All charts of a run, with one axis, one cursor and one zoom. */
export function MetricsTab({
  history,
  task,
  lastEval,
  network,
  numSteps,
}: MetricsTabProps): JSX.Element {
  const { zoom } = history;
  const specs = useMemo(() => chartSpecs(task), [task]);
  const axis = chosenAxis.value;
  const window = chosenSmoothing.value ?? windowFor(numSteps);
  // One that is not known is said where the workers are.
  const allowance = network && network.lowest !== null ? describeNetwork(network) : undefined;
  const smoothing = windowOnAxis(window, axis, history.step.value ?? []);
  return (
    <>
      <div class="metrics-bar">
        <div class="segments" role="group" aria-label="Horizontal axis">
          {(['step', 'time'] as const).map((name) => (
            <button
              type="button"
              key={name}
              aria-pressed={axis === name}
              onClick={() => chooseAxis(name)}
            >
              {name === 'step' ? 'Step' : 'Wall time'}
            </button>
          ))}
        </div>
        <label class="slider">
          <span>Smoothing</span>
          <input
            type="range"
            min={0}
            max={smoothingWindows.length - 1}
            value={smoothingWindows.findIndex((offered) => offered === window)}
            aria-valuetext={sayWindow(window)}
            onInput={(event) =>
              chooseSmoothing(smoothingWindows[Number(event.currentTarget.value)] ?? null)
            }
          />
          <output>
            {sayWindow(window)}
            {chosenSmoothing.value === null && <span class="muted">, by length</span>}
          </output>
        </label>
        {chosenSmoothing.value !== null && (
          <IconButton
            icon="reset"
            label="Smooth by the length of the run"
            onClick={() => chooseSmoothing(null)}
          />
        )}
        <MarkerLegend history={history} />
        <span class="metrics-hint muted">
          {zoom.value === null ? 'Drag over a chart to zoom' : sayZoom(zoom.value, axis)}
        </span>
        {zoom.value !== null && (
          <Button
            icon="reset"
            onClick={() => {
              zoom.value = null;
              void history.read();
            }}
          >
            Show all
          </Button>
        )}
      </div>
      {history.error.value !== null && (
        <div class="reason bad" role="alert">
          <Icon name="warning" />
          <p>{history.error.value}</p>
        </div>
      )}
      {sections.map(({ id, title }) => (
        <section key={id}>
          <h2 class="section-title">{title}</h2>
          <div class="chart-grid">
            {specs
              .filter(({ section }) => section === id)
              .map((spec) => (
                <ChartCard
                  key={spec.id}
                  spec={spec}
                  history={history}
                  smoothing={smoothing}
                  levels={levelsOf(task, spec.id, lastEval)}
                  note={spec.id === 'phases' ? allowance : undefined}
                />
              ))}
          </div>
        </section>
      ))}
    </>
  );
}

function MarkerLegend({ history }: { history: RunHistory }): JSX.Element {
  const kinds = [...new Set(history.markers.value.map(({ kind }) => kind))];
  return (
    <ul class="marker-legend" aria-label="Markers">
      {kinds.map((kind) => (
        <li key={kind}>
          <span class={`marker-shape ${kind}`} aria-hidden="true" />
          {markerWords[kind]}
        </li>
      ))}
    </ul>
  );
}

function sayWindow(window: number): string {
  return window === 0 ? 'off' : `${formatCount(window)} steps`;
}

function sayZoom([from, to]: readonly [number, number], axis: 'step' | 'time'): string {
  return axis === 'step'
    ? `Steps ${formatCount(Math.round(from))} to ${formatCount(Math.round(to))}`
    : `${formatDateTime(from)} to ${formatDateTime(to)}`;
}
