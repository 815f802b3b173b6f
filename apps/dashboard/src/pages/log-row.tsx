import type { JSX } from 'preact';
import type { LogLine } from '@berth/contracts';
import { formatClock, formatCount } from '../format.ts';

/** Hues are shared when there are more processes than this. */
const numHues = 8;

/** A line of a log; its other fields open on demand. */
export function LogRow({ line }: { line: LogLine }): JSX.Element {
  const { timeMs, level, source, step, message, fields } = line;
  const extra = Object.entries(fields);
  return (
    <div class={`log-row ${level}`}>
      <span class="log-time">{formatClock(timeMs)}</span>
      <span class="log-level">{level}</span>
      <span class={`log-source hue-${hueOf(source)}`} title={source}>
        {source}
      </span>
      <span class="log-message">
        {message}
        {step !== null && <span class="log-step"> step {formatCount(step)}</span>}
        {extra.length > 0 && (
          <span class="log-fields">
            {extra.map(([name, value]) => (
              <span key={name}>
                {' '}
                {name}=<b>{typeof value === 'string' ? value : JSON.stringify(value)}</b>
              </span>
            ))}
          </span>
        )}
      </span>
    </div>
  );
}

/** The same colour for a process wherever it is named. */
function hueOf(source: string): number {
  let sum = 0;
  for (const letter of source) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997;
  return sum % numHues;
}
