import type { Marker } from '@berth/contracts';
import type uPlot from 'uplot';
import type { ChartColours } from './colours.ts';
import type { Axis } from './curve.ts';
import { groupMarkers, type MarkerGroup } from './markers.ts';

/** Pixels within which markers are one. */
const mergePx = 9;
/** Checkpoints that get a line of their own. */
const maxLines = 14;

const tones: Readonly<Record<Marker['kind'], string>> = {
  checkpoint: 'good',
  resume: 'accent',
  joined: 'series-1',
  left: 'warn',
  lost: 'bad',
  diverged: 'bad',
  status: 'text-muted',
};

export interface MarkerSource {
  readonly axis: Axis;
  readonly markers: () => readonly Marker[];
  /** Where a value was not finite. */
  readonly notFinite: () => readonly number[];
}

/** The groups that a plot shows at its present range. */
export function visibleGroups(plot: uPlot, { axis, markers }: MarkerSource): MarkerGroup[] {
  const { min = 0, max = 0 } = plot.scales['x'] ?? {};
  const widthPx = plot.bbox.width / devicePixelRatio;
  const distance = ((max - min) / Math.max(1, widthPx)) * mergePx;
  return groupMarkers(markers(), axis, distance).filter(({ x }) => x >= min && x <= max);
}

/** Draws markers as thin lines with a shape on top, and values that are not finite as red triangles at the bottom. */
export function markerPlugin(source: MarkerSource, colours: ChartColours): uPlot.Plugin {
  return {
    hooks: {
      draw: (plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        const groups = visibleGroups(plot, source);
        const isDense = groups.filter(({ kind }) => kind === 'checkpoint').length > maxLines;
        for (const { x, kind } of groups) {
          const left = plot.valToPos(x, 'x', true);
          const span = { left, top: bbox.top, bottom: bbox.top + bbox.height };
          if (kind === 'checkpoint' && isDense) drawTick(ctx, span, colours);
          else drawMarker(ctx, span, kind, colours);
        }
        ctx.fillStyle = colours.of('bad');
        const { min = 0, max = 0 } = plot.scales['x'] ?? {};
        for (const x of source.notFinite())
          if (x >= min && x <= max)
            drawTriangle(ctx, plot.valToPos(x, 'x', true), bbox.top + bbox.height);
        ctx.restore();
      },
    },
  };
}

/** Where checkpoints are many, they are ticks that leave the curve alone. */
function drawTick(ctx: CanvasRenderingContext2D, { left, top }: Span, colours: ChartColours): void {
  ctx.fillStyle = colours.of('good', 0.65);
  drawShape(ctx, 'checkpoint', left, top, 2 * devicePixelRatio);
}

interface Span {
  readonly left: number;
  readonly top: number;
  readonly bottom: number;
}

function drawMarker(
  ctx: CanvasRenderingContext2D,
  { left, top, bottom }: Span,
  kind: Marker['kind'],
  colours: ChartColours,
): void {
  const unit = devicePixelRatio;
  const tone = tones[kind];
  ctx.strokeStyle = colours.of(tone, kind === 'checkpoint' ? 0.22 : 0.55);
  ctx.lineWidth = unit;
  ctx.setLineDash(kind === 'resume' ? [4 * unit, 3 * unit] : []);
  ctx.beginPath();
  ctx.moveTo(left, top);
  ctx.lineTo(left, bottom);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.fillStyle = colours.of(tone);
  ctx.strokeStyle = colours.of(tone);
  drawShape(ctx, kind, left, top, 3.5 * unit);
}

/** A shape of its own for each kind, so that colour is not all that tells them apart. */
function drawShape(
  ctx: CanvasRenderingContext2D,
  kind: Marker['kind'],
  x: number,
  y: number,
  size: number,
): void {
  ctx.lineWidth = size / 2;
  ctx.beginPath();
  switch (kind) {
    case 'checkpoint':
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y);
      ctx.lineTo(x, y + size);
      ctx.lineTo(x - size, y);
      ctx.fill();
      return;
    case 'resume':
      ctx.moveTo(x - size * 0.7, y - size);
      ctx.lineTo(x + size, y);
      ctx.lineTo(x - size * 0.7, y + size);
      ctx.fill();
      return;
    case 'lost':
      ctx.moveTo(x - size, y - size);
      ctx.lineTo(x + size, y + size);
      ctx.moveTo(x + size, y - size);
      ctx.lineTo(x - size, y + size);
      ctx.stroke();
      return;
    case 'diverged':
      ctx.moveTo(x - size, y - size * 0.5);
      ctx.lineTo(x + size, y - size * 0.5);
      ctx.moveTo(x - size, y + size * 0.5);
      ctx.lineTo(x + size, y + size * 0.5);
      ctx.moveTo(x + size * 0.6, y - size);
      ctx.lineTo(x - size * 0.6, y + size);
      ctx.stroke();
      return;
    case 'left':
      ctx.moveTo(x - size, y);
      ctx.lineTo(x + size, y);
      ctx.stroke();
      return;
    case 'joined':
      ctx.moveTo(x - size, y);
      ctx.lineTo(x + size, y);
      ctx.moveTo(x, y - size);
      ctx.lineTo(x, y + size);
      ctx.stroke();
      return;
    case 'status':
      ctx.arc(x, y, size * 0.7, 0, 2 * Math.PI);
      ctx.fill();
  }
}

function drawTriangle(ctx: CanvasRenderingContext2D, x: number, bottom: number): void {
  const size = 5 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x, bottom - size * 1.6);
  ctx.lineTo(x + size, bottom);
  ctx.lineTo(x - size, bottom);
  ctx.fill();
}
