import { smallRun, textOf } from '../small-run.mjs';
import { root } from './berth.mjs';

export const runName = 'slurm-test';

/** Many steps, as jobs take long to come and go. */
export function runFile(numSteps) {
  const train = { engine: 'eager', numSteps, globalBatch: 8, virtualRanks: 4 };
  return { ...smallRun(runName, textOf(root), train), cluster: { numWorkers: 2 } };
}
