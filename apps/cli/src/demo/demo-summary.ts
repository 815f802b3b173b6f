import {
  heldOutShardsOf,
  taskOfRun,
  type DatasetManifest,
  type MetricsLine,
  type RunStatusReport,
} from '@berth/contracts';
import { formatCount } from '../format.ts';
import { heldOutLines } from '../held-out-lines.ts';
import { heldOutCurve } from './held-out-curve.ts';

/** What the demo's run was made of and learnt, against what a model that knows nothing would say. */
export function demoSummary(
  report: RunStatusReport,
  dataset: DatasetManifest,
  lines: readonly MetricsLine[],
): string {
  const { train, vocabulary } = dataset;
  const task = taskOfRun(report.run);
  const numHeldOut = heldOutShardsOf(dataset).reduce((total, one) => total + one.numDocuments, 0);
  const sum = (key: 'numDocuments' | 'numTokens'): string =>
    formatCount(train.reduce((total, shard) => total + shard[key], 0));
  const evals = lines.filter((line) => line.kind === 'eval');
  const last = evals.at(-1);
  const [headline] = task.headlines;
  const metric = task.metrics.find(({ name }) => name === headline);
  return [
    `  dataset      ${sum('numDocuments')} documents, ${sum('numTokens')} tokens, ${numHeldOut} held out, ` +
      `vocabulary ${formatCount(vocabulary.numTokens)}`,
    `  steps        ${formatCount(report.step)}, ${formatCount(tokensOf(lines))} tokens`,
    `  checkpoint   step ${report.checkpointStep ?? 0} in the bucket`,
    '',
    ...(metric === undefined ? [] : heldOutCurve(task, metric, evals)),
    ...(last === undefined
      ? []
      : ['', 'held-out, at the end', ...heldOutLines(task, last).map((text) => `  ${text}`)]),
  ].join('\n');
}

function tokensOf(lines: readonly MetricsLine[]): number {
  return lines.reduce((sum, line) => sum + (line.kind === 'step' ? line.numTokens : 0), 0);
}
