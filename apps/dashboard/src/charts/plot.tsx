import uPlot from 'uplot';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Marker } from '@berth/contracts';
import { theme } from '../state/theme.ts';
import type { ChartModel } from './chart-model.ts';
import { readColours } from './colours.ts';
import type { Axis } from './curve.ts';
import { levelPlugin, type Level } from './levels.ts';
import { markerPlugin } from './marker-plugin.ts';
import { plotData, plotOptions, shapeOf } from './plot-options.ts';

export interface PlotProps {
  readonly model: ChartModel;
  readonly axis: Axis;
  readonly range: readonly [number, number];
  readonly markers: readonly Marker[];
  readonly levels: readonly Level[];
  readonly formatTick: (value: number) => string;
  readonly height: number;
  readonly isStacked: boolean;
  readonly isLog: boolean;
  readonly label: string;
  readonly onCursor: (place: number | null, plot: uPlot) => void;
  readonly onZoom: (from: number, to: number) => void;
  readonly onReset: () => void;
}

/** A canvas that is made anew only when what it draws changes in kind; new data only redraw it. */
export function Plot(props: PlotProps): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const { model, isLog, isStacked, height, axis, range } = props;
  const kind = [shapeOf(model.drawn), isLog, isStacked, height, axis, theme.value].join(';');

  useLayoutEffect(() => {
    const node = holder.current;
    if (node === null) return undefined;
    const made = makePlot(node, latest);
    plot.current = made;
    // A canvas keeps the font that it was drawn with.
    const redraw = (): void => made.redraw(false);
    document.fonts.addEventListener('loadingdone', redraw);
    const observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width > 0 && width !== made.width) made.setSize({ width, height });
    });
    observer.observe(node);
    return () => {
      observer.disconnect();
      document.fonts.removeEventListener('loadingdone', redraw);
      made.destroy();
      plot.current = null;
    };
  }, [kind]);

  useEffect(() => {
    const start = performance.now();
    plot.current?.setData(plotData(model.drawnColumns, isLog));
    if (plot.current !== null)
      // uPlot draws in a microtask; the mark is what the performance test reads.
      queueMicrotask(() => performance.measure('chart-redraw', { start }));
  }, [model, range, props.markers, JSON.stringify(props.levels), kind]);

  return (
    <div
      ref={holder}
      class="plot"
      role="group"
      aria-label={`${props.label}. Arrow keys move the cursor, Escape shows all.`}
      tabIndex={0}
      onKeyDown={(event) => onKey(event, plot.current, props.onReset)}
    />
  );
}

function makePlot(node: HTMLDivElement, latest: { readonly current: PlotProps }): uPlot {
  const { model, axis, height, isLog, isStacked, formatTick } = latest.current;
  const colours = readColours();
  const source = {
    axis,
    markers: () => latest.current.markers,
    notFinite: () => latest.current.model.notFinite,
  };
  const options = plotOptions({
    width: Math.max(120, Math.floor(node.clientWidth)),
    height,
    axis,
    lines: model.drawn,
    columns: model.drawnColumns,
    colours,
    formatTick,
    isStacked,
    isLog,
    levels: () => latest.current.levels.map(({ value }) => value),
    rangeOfX: () => latest.current.range,
    syncKey: 'berth',
    onCursor: (plot) => latest.current.onCursor(plot.cursor.idx ?? null, plot),
    onZoom: (from, to) => latest.current.onZoom(from, to),
    onReset: () => latest.current.onReset(),
    plugins: [levelPlugin(() => latest.current.levels, colours), markerPlugin(source, colours)],
  });
  return new uPlot(options, plotData(model.drawnColumns, isLog), node);
}

interface Publishing {
  setCursor(at: { left: number; top: number }, fire: boolean, publish: boolean): void;
}

function onKey(event: KeyboardEvent, plot: uPlot | null, onReset: () => void): void {
  if (plot === null) return;
  if (event.key === 'Escape') onReset();
  const x = plot.data[0];
  const last = x.length - 1;
  const at = plot.cursor.idx ?? x.length;
  const jump = event.shiftKey ? 10 : 1;
  const places: Readonly<Record<string, number>> = {
    ArrowLeft: Math.max(0, at - jump),
    ArrowRight: Math.min(last, at + jump),
    Home: 0,
    End: last,
  };
  const place = places[event.key];
  if (place === undefined || last < 0) return;
  event.preventDefault();
  // The third argument, which the types leave out, publishes, so that the other charts follow.
  const publishing = plot as unknown as Publishing;
  publishing.setCursor({ left: plot.valToPos(x[place] ?? 0, 'x'), top: 10 }, true, true);
}
