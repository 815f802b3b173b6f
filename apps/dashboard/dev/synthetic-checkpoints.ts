import type {
  CheckpointReport,
  ControlState,
  Evaluation,
  RunConfig,
  RunRecord,
} from '@berth/contracts';
import { evaluationMetrics, evaluationScore, tasks } from '@berth/contracts/constants';
import { bestCheckpoint, decideControl, type ControlSnapshot } from '@berth/protocol';
import { digestOf, uniform } from './made-up-numbers.ts';
import type { CurveShape } from './curve-shape.ts';
import { evalLine } from './measured-lines.ts';

type SyntheticCheckpoint = Omit<CheckpointReport, 'resume' | 'isBest'>;

/** Where a made-up run stands as it saves. */
interface SavedAt {
  readonly step: number;
  readonly attempt: number;
  readonly numParts: number;
  readonly timeMs: number;
}

/** The checkpoints of a made-up run, newest first. */
export class SyntheticCheckpoints {
  readonly #config: RunConfig;
  readonly #shape: CurveShape;
  #all: SyntheticCheckpoint[] = [];

  constructor(config: RunConfig, shape: CurveShape) {
    this.#config = config;
    this.#shape = shape;
  }

  get all(): readonly SyntheticCheckpoint[] {
    return this.#all;
  }

  /** Those that the run has not left behind. */
  get kept(): readonly SyntheticCheckpoint[] {
    return this.#all.filter(({ isAbandoned }) => !isAbandoned);
  }

  /** @returns the digest of the weights that were saved */
  add(kind: CheckpointReport['kind'], { step, attempt, numParts, timeMs }: SavedAt): string {
    const { keepEverySteps, keepLast } = this.#config.train;
    const weightsDigest = digestOf(step + attempt);
    const isKept = kind === 'rolling' && keepEverySteps > 0 && step % keepEverySteps === 0;
    this.#all.unshift({
      step,
      attempt,
      isAbandoned: false,
      kind: isKept ? 'permanent' : kind,
      validity: 'complete',
      sizeBytes: 1_310_720_000 * (0.99 + 0.02 * uniform(3, step)),
      numParts,
      createdAtMs: timeMs,
      weightsDigest,
      manifestKey: `runs/${this.#config.name}/checkpoints/step-${step}-${attempt}/manifest.json`,
      isPinned: kind === 'manual',
      saveMs: 2_100 + 900 * uniform(5, step),
      stallMs: 160 + 80 * uniform(7, step),
      heldOut: this.#lossesAt(attempt, step),
      matchesConfig: true,
    });
    const gone = new Set(this.kept.filter((one) => one.kind === 'rolling').slice(keepLast));
    this.#all = this.#all.filter((one) => !gone.has(one));
    return weightsDigest;
  }

  get evaluations(): Evaluation[] {
    const { fineTuning } = this.#shape;
    return this.#all.map(({ attempt, step, heldOut }) => {
      const score = fineTuning && evaluationScore(fineTuning, undefined, heldOut ?? {});
      const loss = heldOut?.['loss'] ?? NaN;
      return { attempt, step, loss, ...(score !== undefined && { score }) };
    });
  }

  pin(step: number, isPinned: boolean): void {
    this.#all = this.#all.map((one) => (one.step === step ? { ...one, isPinned } : one));
  }

  abandonAfter(step: number): void {
    this.#all = this.#all.map((one) => (one.step > step ? { ...one, isAbandoned: true } : one));
  }

  reports(run: RunRecord, snapshot: ControlSnapshot): CheckpointReport[] {
    const bestStep = bestCheckpoint(run, snapshot.checkpointSteps)?.step;
    const best = this.kept.find(({ step }) => step === bestStep);
    return this.#all.map((one) => ({
      ...one,
      isBest: one === best,
      resume: resumeFrom(one, run, snapshot),
    }));
  }

  #lossesAt(attempt: number, step: number): CheckpointReport['heldOut'] {
    const line = evalLine(this.#shape, attempt, step, 0);
    const { fineTuning: task = tasks.pretraining } = this.#shape;
    const names = ['loss', ...evaluationMetrics(task).map(({ name }) => name)];
    return Object.fromEntries(names.map((name) => [name, Number(line[name])]));
  }
}

function resumeFrom(
  { step, isAbandoned }: SyntheticCheckpoint,
  run: RunRecord,
  snapshot: ControlSnapshot,
): ControlState {
  if (isAbandoned)
    return { isEnabled: false, reason: 'it is on a branch that the run has left behind' };
  const { kind, reason } = decideControl(Date.now(), run, snapshot, 'resume', { fromStep: step });
  return { isEnabled: kind === 'change', reason };
}
