import type { MetricsLine } from '@berth/contracts';
import { baselinesOf, type Task } from '@berth/contracts/constants';
import type uPlot from 'uplot';
import type { ChartColours } from './colours.ts';
import { valueOf } from './curve.ts';

/** A value across the whole of a chart, to see its lines against. */
export interface Level {
  readonly label: string;
  readonly value: number;
}

/** What baselines reach in a metric, as the last evaluation measured it. */
export function levelsOf(task: Task, metric: string, lastEval: MetricsLine | null): Level[] {
  if (lastEval === null) return [];
  return baselinesOf(task, metric).flatMap(({ name, label }) => {
    const value = valueOf(lastEval, name);
    return typeof value === 'number' ? [{ label, value }] : [];
  });
}

/** Draws levels as dashed lines with their labels at the right. */
export function levelPlugin(levels: () => readonly Level[], colours: ChartColours): uPlot.Plugin {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx, bbox } = plot;
        const unit = devicePixelRatio;
        const right = bbox.left + bbox.width;
        ctx.save();
        ctx.font = colours.font.replace(/^\d+/, (size) => String(Number(size) * unit));
        ctx.textAlign = 'right';
        ctx.lineWidth = unit;
        ctx.setLineDash([6 * unit, 4 * unit]);
        ctx.strokeStyle = colours.of('text-muted', 0.8);
        ctx.fillStyle = colours.axis;
        const fromAbove = levels().toSorted((a, b) => b.value - a.value);
        for (const [place, { label, value }] of fromAbove.entries()) {
          const y = plot.valToPos(value, 'y', true);
          if (!(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
          ctx.beginPath();
          ctx.moveTo(bbox.left, y);
          ctx.lineTo(right, y);
          ctx.stroke();
          // Those of two that are close do not meet.
          const isBelow = place > 0;
          ctx.textBaseline = isBelow ? 'top' : 'bottom';
          ctx.fillText(label, right - 4 * unit, y + (isBelow ? 3 : -3) * unit);
        }
        ctx.restore();
      },
    },
  };
}
