import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { ChartCard } from '../charts/chart-card.tsx';
import { smoothingWindows } from '../charts/smoothing.ts';
import { chartSpecs } from '../charts/specs.ts';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { formatCount, formatDateTime } from '../format.ts';
import type { RunHistory } from '../state/run-history.ts';
import { markerWords } from '../charts/markers.ts';

const sections = [
  { id: 'learning', title: 'Learning' },
  { id: 'speed', title: 'Speed' },
] as const;

/** All charts of a run, with one axis, one cursor and one zoom. */
export function MetricsTab({ history }: { history: RunHistory }): JSX.Element {
  const place = useSignal(0);
  const window = smoothingWindows[place.value] ?? 0;
  const { axis, zoom } = history;
  const smoothing = axis.value === 'step' ? window : window * msPerStep(history);
  return (
    <>
      <div class="metrics-bar">
        <div class="segments" role="group" aria-label="Horizontal axis">
          {(['step', 'time'] as const).map((name) => (
            <button
              type="button"
              key={name}
              aria-pressed={axis.value === name}
              onClick={() => {
                if (axis.value === name) return;
                axis.value = name;
                zoom.value = null;
                void history.read();
              }}
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
            value={place.value}
            aria-valuetext={sayWindow(window)}
            onInput={(event) => (place.value = Number(event.currentTarget.value))}
          />
          <output>{sayWindow(window)}</output>
        </label>
        <MarkerLegend history={history} />
        <span class="metrics-hint muted">
          {zoom.value === null ? 'Drag over a chart to zoom' : sayZoom(zoom.value, axis.value)}
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
            {chartSpecs
              .filter(({ section }) => section === id)
              .map((spec) => (
                <ChartCard key={spec.id} spec={spec} history={history} smoothing={smoothing} />
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

/** On the time axis a window of steps is as long as those steps took on average. */
function msPerStep({ step }: RunHistory): number {
  const times = step.value?.find(({ metric }) => metric === 'stepMs');
  const known = (times?.mean ?? []).filter((value) => value !== null);
  return known.length === 0 ? 1000 : known.reduce((sum, value) => sum + value, 0) / known.length;
}
