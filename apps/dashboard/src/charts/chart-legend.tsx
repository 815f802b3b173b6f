import type { ReadonlySignal } from '@preact/signals';
import type { JSX } from 'preact';
import { unknown } from '../format.ts';
import type { ChartModel } from './chart-model.ts';
import { valueBefore, type Column } from './columns.ts';
import type { Line } from './lines.ts';

export interface ChartLegendProps {
  readonly model: ChartModel;
  /** Where the cursor is; null: nowhere, the newest values are shown. */
  readonly place: ReadonlySignal<number | null>;
  readonly format: (value: number) => string;
  readonly formatX: (x: number) => string;
  /** What happened at the cursor. */
  readonly note: ReadonlySignal<string>;
}

/** The lines with their values at the cursor. */
export function ChartLegend(props: ChartLegendProps): JSX.Element {
  const { model, place, format, formatX, note } = props;
  const { x, ofLine } = model.columns;
  const at = place.value ?? x.length - 1;
  const position = x[at];
  const shown = model.lines.flatMap((line, i) =>
    line.isFaint ? [] : [{ line, column: ofLine[i]?.y ?? [] }],
  );
  return (
    <div class="legend">
      {shown.map(({ line, column }) => (
        <span class="legend-item" key={line.key}>
          <span class={swatchOf(line)} />
          <span class="legend-label">{shortLabel(line, shown.length)}</span>
          <span class="legend-value">{say(column, at, format)}</span>
        </span>
      ))}
      <span class="legend-x">
        {note.value !== '' ? <em>{note.value}</em> : position === undefined ? '' : formatX(position)}
      </span>
    </div>
  );
}

function swatchOf({ colour, isDashed }: Line): string {
  return `swatch ${colour}${isDashed ? ' dashed' : ''}`;
}

/** The chart's title says the metric; what is left is what tells the lines apart. */
function shortLabel({ label, isDashed }: Line, numLines: number): string {
  const parts = label.split(', ');
  if (isDashed) return parts.find((part) => part.startsWith('attempt')) ?? label;
  const last = parts.at(-1) ?? label;
  return parts.length > 1 ? last : numLines === 1 ? '' : label;
}

function say(column: Column, at: number, format: (value: number) => string): string {
  const value = valueBefore(column, at);
  if (value === null) return 'not finite';
  return value === undefined ? unknown : format(value);
}
