import type { JSX } from 'preact';
import { formatCount, formatDateTime, unknown } from '../format.ts';
import type { ChartModel } from './chart-model.ts';
import type { Axis } from './curve.ts';
import type { ChartSpec } from './specs.ts';

/** Rows beyond this are for the CSV file. */
const maxRows = 300;

export interface ChartTableProps {
  readonly model: ChartModel;
  readonly spec: ChartSpec;
  readonly axis: Axis;
  readonly height: number;
}

/** A chart's values as a table, newest first. */
export function ChartTable({ model, spec, axis, height }: ChartTableProps): JSX.Element {
  const { lines, columns } = model;
  const places = columns.x.map((_, i) => columns.x.length - 1 - i);
  const stride = Math.max(1, Math.ceil(places.length / maxRows));
  const rows = places.filter((_, i) => i % stride === 0);
  return (
    <div
      class="chart-table"
      style={{ height: `${height}px` }}
      tabIndex={0}
      role="region"
      aria-label={`${spec.title}, table`}
    >
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">{axis === 'step' ? 'Step' : 'Time'}</th>
            {lines.map((line) => (
              <th scope="col" key={line.key}>
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((place) => (
            <tr key={place}>
              <td>
                {axis === 'step'
                  ? formatCount(columns.x[place])
                  : formatDateTime(columns.x[place] ?? 0)}
              </td>
              {lines.map((line, i) => (
                <td key={line.key}>{cell(columns.ofLine[i]?.y[place], spec.format)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cell(value: number | null | undefined, format: (value: number) => string): string {
  if (value === undefined) return '';
  return value === null ? unknown : format(value);
}
