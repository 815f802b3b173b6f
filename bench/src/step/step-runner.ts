import type { TrainingEngine } from '@berth/contracts';
import { startTensorFlow, type TensorFlow } from '@berth/graph';
import { createEagerEngine, createGraphEngine, type GraphEngine } from '@berth/model';
import { stepWork, type ModelChanges, type StepSetting } from './step-setting.ts';

/** Milliseconds of one step, by phase. */
export interface StepTimes {
  /** Forward and backward. */
  readonly gradientMs: number;
  /** Norm, clipping and update. */
  readonly applyMs: number;
}

/** A step that can be run again and again. */
export interface StepRunner {
  readonly tensorFlow: TensorFlow;
  readonly engine: TrainingEngine;
  readonly loadMs: number;
  run(): StepTimes;
  /** Milliseconds of a forward pass with the task's sums, nothing dropped, as evaluations have it. */
  evaluate(): number;
}

export function stepRunner(setting: StepSetting, changes: ModelChanges = {}): StepRunner {
  const { numThreads, device, precision } = setting;
  const tensorFlow = startTensorFlow({ numThreads, device, tf32: precision === 'tf32' });
  const work = stepWork(setting, changes);
  const { model, optimizer } = work;
  const start = performance.now();
  const common = { task: work.task, model, optimizer, seed: 1 } as const;
  const train = { numSteps: 1_000_000, virtualRanks: setting.virtualRanks };
  const engine =
    setting.engine === 'graph'
      ? createGraphEngine({
          ...common,
          tensorFlow,
          train,
          precision: precision === 'tf32' ? 'fp32' : precision,
          shape: work.shape,
        })
      : createEagerEngine({ ...common, train, precision: 'fp32' });
  const loadMs = performance.now() - start;
  engine.initialize(1);
  let step = 0;
  return {
    tensorFlow,
    engine,
    loadMs,
    run() {
      const request = work.request(step++);
      const from = performance.now();
      if (!holdsGradients(engine)) {
        const flat = engine.computeGradients(request);
        const middle = performance.now();
        engine.applyGradients(flat);
        return { gradientMs: middle - from, applyMs: performance.now() - middle };
      }
      engine.holdGradients(request);
      const middle = performance.now();
      engine.applyHeldGradients();
      return { gradientMs: middle - from, applyMs: performance.now() - middle };
    },
    evaluate() {
      const from = performance.now();
      engine.evaluate(work.batch);
      return performance.now() - from;
    },
  };
}

export function holdsGradients(engine: TrainingEngine): engine is GraphEngine {
  return 'holdGradients' in engine;
}
