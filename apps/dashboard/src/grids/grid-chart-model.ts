import type { GridReport } from '@berth/contracts/constants';
import { sayValue, sayValues } from './grid-words.ts';

/** The result of a point, over a value of one setting. */
export interface GridDot {
  readonly point: number;
  /** Place of its value on the axis. */
  readonly place: number;
  /** Place of its other settings among the series. */
  readonly series: number;
  readonly value: number;
  /** Its run has not ended: the best so far. */
  readonly isPreliminary: boolean;
}

export interface GridChartModel {
  /** The setting along the axis; undefined where nothing but the seed differs. */
  readonly path: string | undefined;
  /** Its values, in rising order if they are numbers. */
  readonly places: readonly string[];
  /** What the other settings are, seeds aside. */
  readonly series: readonly string[];
  readonly dots: readonly GridDot[];
  readonly means: readonly {
    readonly place: number;
    readonly series: number;
    readonly value: number;
  }[];
}

/** Dots of all results by the first setting that differs, besides the seed. */
export function gridChart({ paths, points, combinations }: GridReport): GridChartModel {
  const own = paths.filter((path) => path !== 'seed');
  const path = own.find((one) => new Set(points.map(({ values }) => key(values[one]))).size > 1);
  const values = path === undefined ? [undefined] : distinct(points.map((one) => one.values[path]));
  const rest = (all: GridReport['points'][number]['values']): string => {
    const others = Object.entries(all).filter(([name]) => name !== path && name !== 'seed');
    return sayValues(Object.fromEntries(others));
  };
  const series = [...new Set(points.map((point) => rest(point.values)))];
  const at = (all: GridReport['points'][number]['values']) => ({
    place: values.findIndex((value) => path === undefined || key(value) === key(all[path])),
    series: series.indexOf(rest(all)),
  });
  return {
    path,
    places: values.map((value) => (value === undefined ? '' : sayValue(value))),
    series,
    dots: points.flatMap(({ point, values: settings, best, status }) =>
      best === null || best.value === null
        ? []
        : [{ point, ...at(settings), value: best.value, isPreliminary: status !== 'completed' }],
    ),
    means: combinations.flatMap(({ values: settings, mean }) =>
      mean === null ? [] : [{ ...at(settings), value: mean }],
    ),
  };
}

function distinct(values: readonly unknown[]): unknown[] {
  const all = [...new Map(values.map((value) => [key(value), value])).values()];
  const numbers = all.filter((value) => typeof value === 'number');
  return numbers.length === all.length ? numbers.toSorted((a, b) => a - b) : all;
}

function key(value: unknown): string {
  return JSON.stringify(value) ?? '';
}
