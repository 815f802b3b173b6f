import type { JSX } from 'preact';

const width = 96;
const height = 28;

/** A line without axes: where a value has been going. */
export function Sparkline({
  values,
  label,
}: {
  values: readonly number[];
  label: string;
}): JSX.Element {
  const finite = values.filter(Number.isFinite);
  if (finite.length < 2) return <span class="sparkline empty-line" />;
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low || 1;
  const points = values.flatMap((value, i) =>
    Number.isFinite(value)
      ? `${((i / (values.length - 1)) * (width - 4) + 2).toFixed(1)},${(height - 3 - ((value - low) / span) * (height - 6)).toFixed(1)}`
      : [],
  );
  const [lastX = '0', lastY = '0'] = (points.at(-1) ?? '').split(',');
  return (
    <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <polyline points={points.join(' ')} />
      <circle cx={lastX} cy={lastY} r="2.2" />
    </svg>
  );
}
