import {
  metricsFromSums,
  type ApplyResult,
  type MeasuredLine,
  type StepSums,
  type Task,
} from '@berth/contracts';

/** Times of the phases of a step. `reduceMs` is what the sum takes after `computeMs`, during which it began. */
export type StepPhases = Readonly<Record<Phase | 'commitMs', number>>;

type Phase = 'dataMs' | 'computeMs' | 'reduceMs' | 'applyMs';

/** Where a step's time goes, for its line in the metrics. */
export class StepClock {
  #beganMs = 0;
  #reducedMs = 0;
  #spent: Record<Phase | 'commitMs', number> = noTime;
  #applied: ApplyResult | undefined;

  /** A step begins. */
  begin(): void {
    this.#beganMs = performance.now();
    this.#spent = { ...noTime };
  }

  async time<T>(phase: Phase, work: Promise<T>): Promise<T> {
    const startMs = performance.now();
    const result = await work;
    this.#spent[phase] = performance.now() - startMs;
    if (phase === 'reduceMs') this.#reducedMs = performance.now();
    return result;
  }

  async timeApply(work: Promise<ApplyResult>): Promise<void> {
    this.#spent.commitMs = performance.now() - this.#reducedMs;
    this.#applied = await this.time('applyMs', work);
  }

  /** The phases of the step that was applied last. */
  get phases(): StepPhases {
    return this.#spent;
  }

  /** The line about the step that was applied last. */
  line(task: Task, step: number, sums: StepSums): MeasuredLine {
    return {
      kind: 'step',
      step,
      timeMs: Date.now(),
      ...metricsFromSums(task, sums),
      ...this.#applied,
      numTokens: sums['numTokens'] ?? 0,
      stepMs: performance.now() - this.#beganMs,
      ...this.#spent,
    };
  }
}

const noTime = { dataMs: 0, computeMs: 0, reduceMs: 0, commitMs: 0, applyMs: 0 };
