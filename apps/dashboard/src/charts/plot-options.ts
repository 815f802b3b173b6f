import type uPlot from 'uplot';
import { formatClock, formatSteps } from '../format.ts';
import type { ChartColours } from './colours.ts';
import type { Columns } from './columns.ts';
import type { Axis } from './curve.ts';
import type { Line } from './lines.ts';

export interface PlotOptions {
  readonly width: number;
  readonly height: number;
  readonly axis: Axis;
  readonly lines: readonly Line[];
  readonly columns: Columns;
  readonly colours: ChartColours;
  /** For the labels of the vertical axis. */
  readonly formatTick: (value: number) => string;
  readonly isStacked: boolean;
  readonly isLog: boolean;
  /** Values that the vertical axis has to show too. */
  readonly levels: () => readonly number[];
  /** Range of x, read at each drawing. */
  readonly rangeOfX: () => readonly [number, number];
  /** Charts of the same name share their cursor. */
  readonly syncKey: string;
  readonly onCursor: (plot: uPlot) => void;
  readonly onZoom: (from: number, to: number) => void;
  readonly onReset: () => void;
  readonly plugins: readonly uPlot.Plugin[];
}

/** How a chart is drawn. Its data come from `plotData` with the same lines. */
export function plotOptions(options: PlotOptions): uPlot.Options {
  const { width, height, colours, lines, columns, onZoom, onReset, onCursor } = options;
  const { series, bands, bounds } = seriesOf(options);
  return {
    width,
    height,
    padding: [10, 12, 0, 0],
    legend: { show: false },
    plugins: [...options.plugins],
    series: [{}, ...series],
    bands,
    scales: {
      x: { time: false, range: () => [...options.rangeOfX()] },
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- a const enum is not there at run time
      y: options.isLog ? { distr: 3 } : { range: rangeOfY(options) },
    },
    axes: axesOf(options),
    cursor: {
      y: false,
      points: { size: 7, width: 2, fill: colours.surface },
      drag: { x: true, y: false, setScale: false, dist: 6 },
      sync: {
        key: options.syncKey,
        setSeries: false,
        scales: ['x', null],
        filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave', sub: () => true },
      },
      bind: {
        dblclick: () => () => {
          onReset();
          return null;
        },
      },
      dataIdx: (plot, place, closest) =>
        bounds.has(place) ? null : nearestKnown(plot.data[place] ?? [], closest),
    },
    hooks: {
      setCursor: [onCursor],
      setSelect: [
        (plot) => {
          const { left, width: selected } = plot.select;
          if (selected < 6) return;
          const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + selected, 'x')];
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          onZoom(from, to);
        },
      ],
    },
    focus: { alpha: 1 },
    ...(lines.length === 0 || columns.x.length === 0 ? { pxAlign: 1 } : {}),
  };
}

/** The data of a chart in the order of its series: each line, then its least and greatest values. */
export function plotData(columns: Columns, isLog: boolean): uPlot.AlignedData {
  const fit = (column: readonly (number | null | undefined)[]): (number | null | undefined)[] =>
    isLog
      ? column.map((value) => (typeof value === 'number' && value <= 0 ? null : value))
      : [...column];
  return [
    columns.x,
    ...columns.ofLine.flatMap(({ y, min, max }) =>
      min === undefined || max === undefined ? [fit(y)] : [fit(y), fit(max), fit(min)],
    ),
  ];
}

/** Equal for charts that can share one plot: only their data differ. */
export function shapeOf(lines: readonly Line[]): string {
  return lines.map(({ key, colour, band }) => `${key} ${colour} ${band !== undefined}`).join('|');
}

function seriesOf(options: PlotOptions): {
  series: uPlot.Series[];
  bands: uPlot.Band[];
  /** Places of the least and greatest values, which have no cursor points. */
  bounds: ReadonlySet<number>;
} {
  const { lines, colours, isStacked } = options;
  const series: uPlot.Series[] = [];
  const bands: uPlot.Band[] = [];
  const bounds = new Set<number>();
  for (const line of lines) {
    const place = series.length + 1;
    series.push(lineSeries(line, options, isStacked && place === 1));
    if (isStacked && place > 1)
      bands.push({ series: [place, place - 1], fill: colours.of(line.colour, 0.55) });
    if (line.band === undefined) continue;
    // Without a stroke only the area between the two is seen.
    const bound: uPlot.Series = { points: { show: false } };
    series.push({ ...bound, label: `${line.key} max` }, { ...bound, label: `${line.key} min` });
    bounds.add(place + 1).add(place + 2);
    bands.push({ series: [place + 1, place + 2], fill: colours.of(line.colour, 0.14) });
  }
  return { series, bands, bounds };
}

function lineSeries(
  line: Line,
  { colours, isStacked }: PlotOptions,
  isBase: boolean,
): uPlot.Series {
  const hasPoints = line.isSampled || (line.x.length <= 40 && !line.isFaint && !line.isDashed);
  const strength = line.isFaint ? 0.28 : isStacked ? 0.85 : 1;
  return {
    label: line.key,
    stroke: colours.of(line.colour, strength),
    width: line.isFaint || isStacked ? 1 : 1.75,
    ...(line.isSampled && { paths: () => null }),
    ...(line.isDashed ? { dash: [5, 4] } : {}),
    ...(isBase ? { fill: colours.of(line.colour, 0.55) } : {}),
    points: {
      show: hasPoints,
      size: line.isSampled ? 6 : 5,
      stroke: colours.of(line.colour),
      fill: line.isSampled ? colours.of(line.colour) : colours.surface,
    },
  };
}

function axesOf({ colours, axis, formatTick }: PlotOptions): uPlot.Axis[] {
  const shared: uPlot.Axis = {
    stroke: colours.axis,
    font: colours.font,
    ticks: { show: false },
    grid: { stroke: colours.grid, width: 1 },
  };
  return [
    {
      ...shared,
      grid: { show: false },
      gap: 6,
      size: 30,
      space: 60,
      // There is no step between two steps.
      ...(axis === 'step' && { incrs: wholeIncrements }),
      values: (_, splits) => splits.map((x) => (axis === 'step' ? formatSteps(x) : formatClock(x))),
    },
    {
      ...shared,
      gap: 6,
      size: 58,
      space: 36,
      values: (_, splits) => splits.map((y) => (y === null ? '' : formatTick(y))),
    },
  ];
}

const wholeIncrements = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((unit) => [
  unit,
  2 * unit,
  5 * unit,
]);

/** A tenth of air above and below; stacked areas start at zero. */
function rangeOfY({ isStacked, levels }: PlotOptions): uPlot.Scale.Range {
  return (_, least, greatest) => {
    if (least === null || greatest === null) return [0, 1];
    const [min, max] = [Math.min(least, ...levels()), Math.max(greatest, ...levels())];
    const air = max > min ? (max - min) * 0.08 : Math.abs(max) * 0.1 || 1;
    return [isStacked ? 0 : min - air, max + air];
  };
}

/** Points that a cursor point may be away from the cursor. */
const reach = 30;

/** Cursor points sit on a line's own points, not on those that only other lines have. */
function nearestKnown(column: ArrayLike<number | null | undefined>, place: number): number | null {
  for (let i = 0; i < reach; i++) {
    if (column[place - i] !== undefined) return place - i;
    if (column[place + i] !== undefined) return place + i;
  }
  return null;
}
