import { parentPort, workerData } from 'node:worker_threads';
import type { StateVectors } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { createGraphEngine, taskModels } from '@berth/model';
import { defaultStepSetting, stepWork } from '../step/step-setting.ts';
import type { EngineSetting } from './healing-setting.ts';

/** What the runtime thread of a member of `join.ts` is asked to do. */
export type RuntimeAsk =
  | { readonly do: 'load'; readonly state: StateVectors }
  | { readonly do: 'read'; readonly into: StateVectors }
  | { readonly do: 'compute' };

const { size, batchSize, numThreads } = workerData as EngineSetting;
const tensorFlow = startTensorFlow({ numThreads, device: 'cpu' });
const work = stepWork({ ...defaultStepSetting, size, batchSize, numThreads });
const engine = createGraphEngine({
  model: work.model,
  optimizer: work.optimizer,
  seed: 1,
  tensorFlow,
  train: { numSteps: 1_000_000, virtualRanks: 1 },
  precision: 'fp32',
  task: taskModels.pretraining,
  shape: work.shape,
});

parentPort?.on('message', (ask: RuntimeAsk) => {
  const startMs = performance.now();
  if (ask.do === 'load') engine.loadState({ step: 1, ...ask.state });
  else if (ask.do === 'read') engine.readState(ask.into);
  else engine.holdGradients(work.request(1));
  parentPort?.postMessage(performance.now() - startMs, []);
});
