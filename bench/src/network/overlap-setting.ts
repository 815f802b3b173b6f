import {
  stepWork,
  defaultStepSetting,
  type StepSetting,
  type StepWork,
} from '../step/step-setting.ts';
import type { AllReduceDtype, ModelSize } from '@berth/contracts';

/** Of a step that members make together, one virtual rank each. */
export interface OverlapSetting {
  readonly model: ModelSize;
  readonly dtype: AllReduceDtype;
  readonly numWorkers: number;
  /** Examples of a member. */
  readonly batchSize: number;
  readonly maxSeqLength: number;
  readonly numThreads: number;
}

/** What one member process is started with. */
export interface OverlapMember extends OverlapSetting {
  readonly memberId: string;
  /** Its virtual rank. */
  readonly rank: number;
  /** Address that the others dial. */
  readonly host: string;
}

/** What a member is told of a step. */
export interface StepOrder {
  readonly step: number;
  /** Whether what is computed is summed while the rest is computed. */
  readonly isOverlapped: boolean;
}

/** What a member tells of it. Times of the machine's clock, in ms. */
export interface StepReport {
  readonly beganMs: number;
  readonly computedMs: number;
  readonly summedMs: number;
  readonly digest: string;
  readonly cpuMs: number;
  /** Elements of the gradient that were there only when all was computed. */
  readonly numLast: number;
}

export function overlapWork(setting: OverlapSetting): StepWork {
  const { model: size, numWorkers, maxSeqLength, numThreads } = setting;
  const step: StepSetting = {
    ...defaultStepSetting,
    size,
    maxSeqLength,
    numThreads,
    virtualRanks: numWorkers,
    batchSize: setting.batchSize * numWorkers,
  };
  return stepWork(step);
}
