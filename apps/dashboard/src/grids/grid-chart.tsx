import type { JSX } from 'preact';
import type { GridReport } from '@berth/contracts/constants';
import { ticksOver } from '../evaluation/scatter-scale.ts';
import { gridChart } from './grid-chart-model.ts';

const width = 560;
const height = 240;
const margin = { left: 58, right: 16, top: 14, bottom: 40 };
const numColours = 5;

/** The metric over a setting: a dot for each seed, a bar for their mean. */
export function GridChart(props: {
  readonly report: GridReport;
  readonly format: (value: number) => string;
}): JSX.Element | null {
  const { report, format } = props;
  const { path, places, series, dots, means } = gridChart(report);
  if (dots.length === 0) return null;
  const ticks = ticksOver(dots.map(({ value }) => value));
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)];
  const slot = (width - margin.left - margin.right) / places.length;
  const x = (place: number, of: number): number =>
    margin.left +
    slot * (place + 0.5) +
    (of - (series.length - 1) / 2) * Math.min(26, slot / series.length);
  const y = (value: number): number =>
    height - margin.bottom - ((value - low) / (high - low)) * (height - margin.bottom - margin.top);
  const colour = (of: number): string => `var(--series-${1 + (of % numColours)})`;
  return (
    <section class="card" aria-label="Results">
      <header class="card-head">
        <h2>
          {report.metric.label}
          {path !== undefined && ` by ${path}`}
        </h2>
        {series.length > 1 && (
          <ul class="grid-legend" aria-label="Other settings">
            {series.map((name, of) => (
              <li key={name}>
                <span class="grid-swatch" style={{ background: colour(of) }} aria-hidden="true" />
                {name}
              </li>
            ))}
          </ul>
        )}
      </header>
      <div class="table-scroll">
        <svg
          class="scatter grid-chart"
          viewBox={`0 0 ${width} ${height}`}
          role="img"
          aria-label={`${report.metric.label} of ${dots.length} points; the table below has the numbers`}
        >
          {ticks.map((tick) => (
            <g key={tick}>
              <line
                class="grid"
                x1={margin.left}
                x2={width - margin.right}
                y1={y(tick)}
                y2={y(tick)}
              />
              <text x={margin.left - 8} y={y(tick) + 4} text-anchor="end">
                {format(tick)}
              </text>
            </g>
          ))}
          {places.map((name, place) => (
            <text
              key={name}
              x={margin.left + slot * (place + 0.5)}
              y={height - margin.bottom + 18}
              text-anchor="middle"
            >
              {name}
            </text>
          ))}
          {means.map(({ place, series: of, value }) => (
            <line
              key={`${place} ${of}`}
              class="grid-mean"
              style={{ stroke: colour(of) }}
              x1={x(place, of) - 12}
              x2={x(place, of) + 12}
              y1={y(value)}
              y2={y(value)}
            />
          ))}
          {dots.map(({ point, place, series: of, value, isPreliminary }) => (
            <circle
              key={point}
              class={isPreliminary ? 'grid-dot preliminary' : 'grid-dot'}
              style={{ color: colour(of) }}
              cx={x(place, of)}
              cy={y(value)}
              r="4.5"
            >
              <title>{`Point ${point}: ${format(value)}${isPreliminary ? ', so far' : ''}`}</title>
            </circle>
          ))}
          {path !== undefined && (
            <text class="axis" x={(margin.left + width) / 2} y={height - 5} text-anchor="middle">
              {path}
            </text>
          )}
        </svg>
      </div>
      <p class="muted">
        A dot for each point, a bar for the mean of those that differ in nothing but the seed
        {dots.some(({ isPreliminary }) => isPreliminary) && '; hollow ones are still to end'}.
      </p>
    </section>
  );
}
