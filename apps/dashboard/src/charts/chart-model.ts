import type { Curve, Axis } from './curve.ts';
import { alignLines, stack, type Columns } from './columns.ts';
import { linesOf, notFiniteAt, type Line } from './lines.ts';
import type { ChartSpec } from './specs.ts';

/** Everything that a chart, its legend, its table and its summary show. */
export interface ChartModel {
  /** As drawn: stacked ones are sums. */
  readonly drawn: readonly Line[];
  readonly drawnColumns: Columns;
  /** As measured, in the same order. */
  readonly lines: readonly Line[];
  readonly columns: Columns;
  readonly notFinite: readonly number[];
}

export interface ModelOptions {
  readonly step: readonly Curve[];
  readonly evaluation: readonly Curve[];
  readonly axis: Axis;
  /** In units of x. */
  readonly smoothing: number;
}

/** Puts a chart together from a run's curves. */
export function chartModel(spec: ChartSpec, options: ModelOptions): ChartModel {
  const { step, evaluation, axis } = options;
  const canSmooth = spec.canSmooth === true;
  const lines = spec.series.flatMap(({ metric, kind, label, colour }) => {
    const curves = kind === 'step' ? step : evaluation;
    return linesOf(spec.isStacked === true ? curves.filter(isKept) : curves, {
      key: kind === 'eval' ? `${metric}_held_out` : metric,
      label,
      colour,
      metric,
      axis,
      smoothing: canSmooth && kind === 'step' ? options.smoothing : 0,
      isSampled: kind === 'eval',
      hasBand: kind === 'step' && spec.isStacked !== true,
    });
  });
  const drawn = spec.isStacked === true ? stack(lines) : lines;
  const columns = alignLines(lines);
  const metrics = spec.series.map(({ metric }) => metric);
  return {
    lines,
    columns,
    drawn,
    drawnColumns: spec.isStacked === true ? alignLines(drawn) : columns,
    notFinite: notFiniteAt([...step, ...evaluation], metrics),
  };
}

function isKept({ isAbandoned }: Curve): boolean {
  return !isAbandoned;
}
