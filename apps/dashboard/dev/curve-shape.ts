import type { Task } from '@berth/contracts/constants';

/** What decides the curves of a made-up run. */
export interface CurveShape {
  readonly seed: number;
  readonly numSteps: number;
  readonly tokensPerStep: number;
  readonly stepMs: number;
  readonly peakLearningRate: number;
  /** Steps until most is learnt. */
  readonly halfLife: number;
  /** Of a fine-tuning. */
  readonly fineTuning?: Task | undefined;
}
