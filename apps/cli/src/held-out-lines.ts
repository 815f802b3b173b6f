import { baselinesOf, evaluationMetrics, type MetricsLine, type Task } from '@berth/contracts';
import { fixed } from './format.ts';

/** `<metric>  2.804  (unigram 4.941, copy 4.512)`: a line for each of a task's metrics, with what knowing nothing reaches. */
export function heldOutLines(task: Task, line: MetricsLine): string[] {
  const known = evaluationMetrics(task).filter(({ name }) => typeof line[name] === 'number');
  const width = Math.max(...known.map(({ name }) => name.length));
  return known.map(({ name }) =>
    `${name.padEnd(width)}  ${fixed(line, name)}  ${baselinesText(task, name, line)}`.trimEnd(),
  );
}

/** `(unigram 4.941, copy 4.512)`; '' where the evaluation has none. */
function baselinesText(task: Task, metric: string, line: MetricsLine): string {
  const known = baselinesOf(task, metric).filter(({ name }) => typeof line[name] === 'number');
  if (known.length === 0) return '';
  return `(${known.map(({ name, label }) => `${label} ${fixed(line, name)}`).join(', ')})`;
}
