import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { FineTuningReport } from '@berth/contracts';
import { IconButton } from '../components/button.tsx';
import { formatCount, formatNumber, formatTick, plural } from '../format.ts';
import { ticksOver } from './scatter-scale.ts';

type Pairs = NonNullable<FineTuningReport['pairs']>;

const size = 420;
const margin = { left: 44, bottom: 40, top: 10, right: 12 };

/** Predictions over truths; a perfect model's points lie on the line. */
export function Scatter({ pairs }: { pairs: Pairs }): JSX.Element {
  const isTable = useSignal(false);
  const { truth, predicted, numLeftOut } = pairs;
  const errors = truth.map((value, i) => Math.abs(value - (predicted[i] ?? value)));
  const mean = errors.reduce((sum, error) => sum + error, 0) / Math.max(1, errors.length);
  return (
    <section class="card scatter-card" aria-label="Predictions">
      <header class="card-head">
        <h2>Predicted against true</h2>
        <IconButton
          icon="table"
          label={isTable.value ? 'Show the chart' : 'Show the numbers'}
          isPressed={isTable.value}
          onClick={() => (isTable.value = !isTable.value)}
        />
      </header>
      {isTable.value ? <PairTable pairs={pairs} /> : <Points pairs={pairs} />}
      <p class="muted">
        {plural(truth.length, 'example')}, off by {formatNumber(mean)} on average
        {numLeftOut > 0 && `; ${formatCount(numLeftOut)} more are not shown`}.
      </p>
    </section>
  );
}

function Points({ pairs: { truth, predicted } }: { pairs: Pairs }): JSX.Element {
  const ticks = ticksOver([...truth, ...predicted]);
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)];
  const span = high - low;
  const x = (value: number): number =>
    margin.left + ((value - low) / span) * (size - margin.left - margin.right);
  const y = (value: number): number =>
    size - margin.bottom - ((value - low) / span) * (size - margin.bottom - margin.top);
  return (
    <svg
      class="scatter"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={`${truth.length} predictions over their true values, from ${formatTick(low)} to ${formatTick(high)}`}
    >
      {ticks.map((tick) => (
        <g key={tick}>
          <line class="grid" x1={x(tick)} x2={x(tick)} y1={y(low)} y2={y(high)} />
          <line class="grid" x1={x(low)} x2={x(high)} y1={y(tick)} y2={y(tick)} />
          <text x={x(tick)} y={size - margin.bottom + 16} text-anchor="middle">
            {formatTick(tick)}
          </text>
          <text x={margin.left - 8} y={y(tick) + 4} text-anchor="end">
            {formatTick(tick)}
          </text>
        </g>
      ))}
      <line class="ideal" x1={x(low)} y1={y(low)} x2={x(high)} y2={y(high)} />
      {truth.map((value, i) => (
        <circle key={i} cx={x(value)} cy={y(predicted[i] ?? value)} r="3" />
      ))}
      <text class="axis" x={(x(low) + x(high)) / 2} y={size - 6} text-anchor="middle">
        true
      </text>
      <text
        class="axis"
        transform={`translate(11 ${size / 2 - 15}) rotate(-90)`}
        text-anchor="middle"
      >
        predicted
      </text>
    </svg>
  );
}

function PairTable({ pairs: { truth, predicted } }: { pairs: Pairs }): JSX.Element {
  return (
    <div class="table-scroll pair-table" tabIndex={0} role="region" aria-label="Numbers">
      <table class="data">
        <thead>
          <tr>
            <th scope="col" class="number">
              True
            </th>
            <th scope="col" class="number">
              Predicted
            </th>
          </tr>
        </thead>
        <tbody>
          {truth.map((value, i) => (
            <tr key={i}>
              <td class="number">{formatNumber(value)}</td>
              <td class="number">{formatNumber(predicted[i])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
