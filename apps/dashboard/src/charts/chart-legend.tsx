import type { ReadonlySignal } from '@preact/signals';
import type { JSX } from 'preact';
import { unknown } from '../format.ts';
import type { ChartModel } from './chart-model.ts';
import { valueBefore, type Column } from './columns.ts';
import type { Level } from './levels.ts';
import type { Line } from './lines.ts';

export interface ChartLegendProps {
  readonly model: ChartModel;
  readonly levels: readonly Level[];
  /** Where the cursor is; null: nowhere, the newest values are shown. */
  readonly place: ReadonlySignal<number | null>;
  readonly format: (value: number) => string;
  readonly formatX: (x: number) => string;
}

/** The lines with their values at the cursor. */
export function ChartLegend(props: ChartLegendProps): JSX.Element {
  const { model, levels, place, format, formatX } = props;
  const { x, ofLine } = model.columns;
  const at = place.value ?? x.length - 1;
  const position = x[at];
  const shown = model.lines.flatMap((line, i) =>
    line.isFaint || isSecondBranch(line, model.lines) ? [] : [{ line, column: ofLine[i]?.y ?? [] }],
  );
  return (
    <div class="legend">
      {shown.map(({ line, column }) => (
        <span class="legend-item" key={line.key}>
          <span class={swatchOf(line)} />
          <span class="legend-label">{shortLabel(line, shown.length)}</span>
          {isWithin(line, position) && <span class="legend-value">{say(column, at, format)}</span>}
        </span>
      ))}
      {levels.map(({ label, value }) => (
        <span class="legend-item" key={`level ${label}`}>
          <span class="swatch dashed" />
          <span class="legend-label">{label}</span>
          <span class="legend-value">{format(value)}</span>
        </span>
      ))}
      <span class="legend-x">{position === undefined ? '' : formatX(position)}</span>
    </div>
  );
}

/** An attempt that was left behind is named once, for all lines that it has. */
function isSecondBranch(line: Line, lines: readonly Line[]): boolean {
  if (!line.isDashed) return false;
  return lines.find(({ isDashed, attempt }) => isDashed && attempt === line.attempt) !== line;
}

/** A branch has values only where it lies. */
function isWithin({ isDashed, x }: Line, position: number | undefined): boolean {
  if (!isDashed || position === undefined) return true;
  return position >= (x[0] ?? Infinity) && position <= (x.at(-1) ?? -Infinity);
}

function swatchOf({ colour, isDashed, isSampled }: Line): string {
  return `swatch ${colour}${isDashed ? ' dashed' : isSampled ? ' dot' : ''}`;
}

/** The chart's title says the metric; what is left is what tells the lines apart. */
function shortLabel({ label, isDashed }: Line, numLines: number): string {
  const parts = label.split(', ');
  if (isDashed) return parts.find((part) => part.startsWith('attempt')) ?? label;
  return parts.length > 1 ? parts.slice(1).join(', ') : numLines === 1 ? '' : label;
}

function say(column: Column, at: number, format: (value: number) => string): string {
  const value = valueBefore(column, at);
  if (value === null) return 'not finite';
  return value === undefined ? unknown : format(value);
}
