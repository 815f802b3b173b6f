import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type uPlot from 'uplot';
import { useMemo } from 'preact/hooks';
import { IconButton } from '../components/button.tsx';
import { useInView } from '../components/use-in-view.ts';
import { formatCount, formatDateTime } from '../format.ts';
import { chosenAxis } from '../state/chart-settings.ts';
import type { RunHistory } from '../state/run-history.ts';
import { chartModel, type ChartModel } from './chart-model.ts';
import type { Level } from './levels.ts';
import type { Line } from './lines.ts';
import { ChartLegend } from './chart-legend.tsx';
import { ChartTable } from './chart-table.tsx';
import { download, toCsv } from './csv.ts';
import { describeGroup } from './markers.ts';
import { visibleGroups } from './marker-plugin.ts';
import { Plot } from './plot.tsx';
import type { ChartSpec } from './specs.ts';
import { summarise, summariseShares } from './summary.ts';

export interface ChartCardProps {
  readonly spec: ChartSpec;
  readonly history: RunHistory;
  /** In units of x. */
  readonly smoothing: number;
  readonly height?: number;
  /** What its lines are seen against. */
  readonly levels?: readonly Level[];
  /** A sentence below what the chart says by itself. */
  readonly note?: string | undefined;
}

const noLevels: readonly Level[] = [];

/** A chart with its title, legend, tools and a sentence that says what it shows. */
export function ChartCard(props: ChartCardProps): JSX.Element {
  const { spec, history, height } = props;
  const [ref, isSeen] = useInView<HTMLElement>();
  const tall = height ?? (spec.isWide === true ? 280 : 220);
  return (
    <section
      ref={ref}
      class={spec.isWide === true ? 'card chart wide' : 'card chart'}
      aria-label={spec.title}
      data-chart={spec.id}
    >
      {isSeen && history.step.value !== null ? (
        <ChartBody {...props} height={tall} />
      ) : (
        <ChartSkeleton title={spec.title} height={tall} />
      )}
    </section>
  );
}

function ChartBody({
  spec,
  history,
  smoothing,
  height,
  levels = noLevels,
  note,
}: ChartCardProps & { height: number }): JSX.Element {
  const step = history.step.value ?? [];
  const evaluation = history.evaluation.value ?? [];
  const axis = chosenAxis.value;
  const place = useSignal<number | null>(null);
  const markerText = useSignal('');
  const isLog = useSignal(false);
  const isTable = useSignal(false);
  const model = useMemo(
    () => chartModel(spec, { step, evaluation, axis, smoothing }),
    [spec, step, evaluation, axis, smoothing],
  );
  const formatX = (x: number): string =>
    axis === 'step' ? `step ${formatCount(Math.round(x))}` : formatDateTime(x);
  const summary =
    spec.isStacked === true
      ? summariseShares(model.lines)
      : summarise(measuredLine(model), { aim: spec.aim, format: spec.format, formatX });
  const zoom = (from: number, to: number): void => {
    history.zoom.value = [from, to];
    void history.read();
  };
  const reset = (): void => {
    if (history.zoom.value === null) return;
    history.zoom.value = null;
    void history.read();
  };
  return (
    <>
      <header class="chart-head">
        <h3>{spec.title}</h3>
        <div class="chart-tools">
          {spec.isStacked !== true && (
            <IconButton
              icon="log"
              label={isLog.value ? 'Linear scale' : 'Logarithmic scale'}
              isPressed={isLog.value}
              onClick={() => (isLog.value = !isLog.value)}
            />
          )}
          <IconButton
            icon={isTable.value ? 'chart' : 'table'}
            label={isTable.value ? 'Show as chart' : 'Show as table'}
            isPressed={isTable.value}
            onClick={() => (isTable.value = !isTable.value)}
          />
          <IconButton
            icon="download"
            label="Download as CSV"
            onClick={() => save(spec, history, model)}
          />
        </div>
      </header>
      <ChartLegend
        model={model}
        levels={levels}
        place={place}
        format={spec.format}
        formatX={formatX}
      />
      {isTable.value ? (
        <ChartTable model={model} spec={spec} axis={axis} height={height} />
      ) : model.columns.x.length === 0 ? (
        <p class="chart-empty">Nothing measured yet.</p>
      ) : (
        <Plot
          model={model}
          axis={axis}
          range={history.range.value}
          markers={history.markers.value}
          levels={levels}
          formatTick={spec.formatTick}
          height={height}
          isStacked={spec.isStacked === true}
          isLog={isLog.value}
          label={spec.title}
          onCursor={(at, plot) => {
            place.value = at;
            markerText.value = at === null ? '' : textAtCursor(plot, history);
          }}
          onZoom={zoom}
          onReset={reset}
        />
      )}
      <p class="chart-summary">
        {markerText.value === '' ? summary : <strong>{markerText.value}</strong>}
      </p>
      {note !== undefined && <p class="chart-summary">{note}</p>}
    </>
  );
}

/** The chart's own line as it was measured. */
function measuredLine({ lines }: ChartModel): Line | undefined {
  return lines.find(({ isFaint }) => isFaint) ?? lines[0];
}

function ChartSkeleton({ title, height }: { title: string; height: number }): JSX.Element {
  return (
    <>
      <header class="chart-head">
        <h3>{title}</h3>
      </header>
      <div class="skeleton" style={{ height: `${height + 48}px` }} />
    </>
  );
}

/** Pixels from the cursor within which a marker is spoken of. */
const nearPx = 8;

function textAtCursor(plot: uPlot, history: RunHistory): string {
  const { left = -1 } = plot.cursor;
  const source = {
    axis: chosenAxis.value,
    markers: () => history.markers.value,
    notFinite: () => [],
  };
  const near = visibleGroups(plot, source).find(
    ({ x }) => Math.abs(plot.valToPos(x, 'x') - left) <= nearPx,
  );
  return near === undefined ? '' : describeGroup(near);
}

function save(spec: ChartSpec, history: RunHistory, { lines, columns }: ChartModel): void {
  const csv = toCsv(chosenAxis.value === 'step' ? 'step' : 'time_ms', lines, columns);
  download(`${history.runId}-${spec.id}.csv`, 'text/csv', csv);
}
