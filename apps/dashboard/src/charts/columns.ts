import type { Line } from './lines.ts';

/** A column of a plot: undefined where the line has no point at that x and none is missing, null where one is. */
export type Column = (number | null | undefined)[];

/** The lines on one common, rising x; a line's bounds follow it as two more columns. */
export interface Columns {
  readonly x: number[];
  readonly ofLine: readonly { readonly y: Column; readonly min?: Column; readonly max?: Column }[];
}

/** Puts lines on one x axis. */
export function alignLines(lines: readonly Line[]): Columns {
  const x = [...new Set(lines.flatMap((line) => line.x))].toSorted((a, b) => a - b);
  const places = new Map(x.map((at, i) => [at, i]));
  const spread = (line: Line, values: readonly (number | null)[]): Column => {
    const column: Column = Array.from({ length: x.length });
    line.x.forEach((at, i) => {
      column[places.get(at) ?? 0] = values[i] ?? null;
    });
    return column;
  };
  return {
    x,
    ofLine: lines.map((line) => ({
      y: spread(line, line.y),
      ...(line.band === undefined
        ? {}
        : { min: spread(line, line.band.min), max: spread(line, line.band.max) }),
    })),
  };
}

/** Running sums over lines that share their points, for areas on top of each other; missing counts as none. */
export function stack(lines: readonly Line[]): Line[] {
  const base = new Map<number, number>();
  return lines.map((line) => ({
    ...line,
    y: line.x.map((at, i) => {
      const sum = (base.get(at) ?? 0) + (line.y[i] ?? 0);
      base.set(at, sum);
      return sum;
    }),
  }));
}

/** The value at a place or the nearest one before it. */
export function valueBefore(column: Column, place: number): number | null | undefined {
  for (let i = Math.min(place, column.length - 1); i >= 0; i--)
    if (column[i] !== undefined) return column[i];
  return undefined;
}
