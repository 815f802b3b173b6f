import { parentPort, workerData } from 'node:worker_threads';
import { markReady, nothingReady, type GradientVector, type ReadyMark } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { createGraphEngine } from '@berth/model';
import { overlapWork, type OverlapMember } from './overlap-setting.ts';

/** What the thread of a member that computes is asked: a gradient, always of the same examples and masks. */
export interface ComputeAsk {
  readonly into: GradientVector;
  readonly ready?: ReadyMark;
}

const setting = workerData as OverlapMember;
const { rank, dtype, numWorkers, numThreads } = setting;
const tensorFlow = startTensorFlow({ numThreads, device: 'cpu' });
const { task, model, optimizer, shape, request } = overlapWork(setting);
const engine = createGraphEngine({
  task,
  model,
  optimizer,
  shape,
  tensorFlow,
  seed: 1,
  train: { numSteps: 1_000_000, virtualRanks: numWorkers },
  precision: 'fp32',
  allReduceDtype: dtype,
});
engine.initialize(1);

parentPort?.on('message', ({ into, ready }: ComputeAsk) => {
  const { ranks, ...whole } = request(0);
  const own = { ...whole, block: { start: rank, length: 1 }, ranks: ranks.slice(rank, rank + 1) };
  let numLast = engine.numParameters;
  if (ready === undefined) engine.computeGradients(own, into);
  else {
    markReady(ready, nothingReady);
    engine.computeGradients(own, into, (first) => {
      if (first > 0) numLast = first;
      markReady(ready, first);
    });
    markReady(ready, 0);
  }
  parentPort?.postMessage(numLast, []);
});
parentPort?.postMessage(engine.numParameters, []);
