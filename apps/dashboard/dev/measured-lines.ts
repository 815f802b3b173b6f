import type { MetricsLine } from '@berth/contracts';
import { fineTunedMetrics } from './fine-tuning/fine-tuned-metrics.ts';
import type { CurveShape } from './curve-shape.ts';
import { gauss, uniform } from './made-up-numbers.ts';

/** The metrics line of a step as a model of this shape would measure it. */
export function stepLine(
  shape: CurveShape,
  attempt: number,
  step: number,
  timeMs: number,
): MetricsLine {
  const losses =
    shape.fineTuning === undefined
      ? lossesAt(shape, step, 1 + attempt / 7)
      : fineTunedMetrics(shape.fineTuning, shape, step, 'step');
  const noise = (salt: number): number => gauss(shape.seed + salt + attempt, step);
  const stepMs =
    shape.stepMs * (1 + 0.04 * noise(11) + (uniform(shape.seed + 12, step) > 0.995 ? 1.6 : 0));
  const reduceMs = stepMs * (0.13 + 0.015 * Math.abs(noise(13)));
  const dataMs = stepMs * (0.015 + 0.02 * Math.abs(noise(14)));
  const commitMs = stepMs * 0.02;
  const applyMs = stepMs * 0.06;
  const warmup = shape.numSteps * 0.02;
  const learningRate =
    shape.peakLearningRate *
    (step < warmup ? step / warmup : Math.max(0, 1 - (step - warmup) / (shape.numSteps - warmup)));
  return {
    kind: 'step',
    attempt,
    step,
    timeMs,
    ...losses,
    learningRate,
    gradientNorm: 0.7 + 3.5 * Math.exp(-step / (shape.halfLife / 6)) + 0.12 * Math.abs(noise(15)),
    numTokens: shape.tokensPerStep,
    stepMs,
    dataMs,
    reduceMs,
    commitMs,
    applyMs,
    computeMs: stepMs - dataMs - reduceMs - commitMs - applyMs,
  };
}

/** The metrics line of an evaluation after a step. */
export function evalLine(
  shape: CurveShape,
  attempt: number,
  step: number,
  timeMs: number,
): MetricsLine {
  const { fineTuning } = shape;
  if (fineTuning !== undefined) {
    const metrics = fineTunedMetrics(fineTuning, shape, step, 'eval');
    return { kind: 'eval', attempt, step, timeMs, numTokens: 65_536, ...metrics };
  }
  const { masked_lm_loss, ...losses } = lossesAt({ ...shape, seed: shape.seed + 99 }, step, 0.12);
  const gap = 0.14 + 0.12 * (step / shape.numSteps);
  return {
    kind: 'eval',
    attempt,
    step,
    timeMs,
    ...losses,
    masked_lm_loss: masked_lm_loss + gap,
    loss: losses.loss + gap,
    masked_lm_loss_unigram: 6.52,
    masked_lm_loss_copy: 5.8,
    masked_lm_accuracy_majority: 0.062,
    masked_lm_accuracy_copy: 0.124,
    next_sentence_loss_majority: 0.688,
    next_sentence_accuracy_majority: 0.552,
    numTokens: 65_536,
  };
}

interface LossesAt {
  readonly loss: number;
  readonly masked_lm_loss: number;
  readonly masked_lm_accuracy: number;
  readonly next_sentence_loss: number;
  readonly next_sentence_accuracy: number;
}

function lossesAt({ seed, halfLife }: CurveShape, step: number, noisiness: number): LossesAt {
  const fast = Math.exp(-step / (halfLife / 8));
  const slow = Math.exp(-step / halfLife);
  const masked_lm_loss = 1.62 + 5.1 * fast + 3.3 * slow + 0.09 * noisiness * gauss(seed, step);
  const next_sentence_loss =
    0.11 + 0.58 * Math.exp(-step / (halfLife / 2)) + 0.025 * noisiness * gauss(seed + 1, step);
  return {
    masked_lm_loss,
    next_sentence_loss,
    loss: masked_lm_loss + next_sentence_loss,
    masked_lm_accuracy: clamp(
      0.68 - 0.3 * fast - 0.36 * slow + 0.014 * noisiness * gauss(seed + 2, step),
    ),
    next_sentence_accuracy: clamp(
      0.97 - 0.46 * Math.exp(-step / (halfLife / 2)) + 0.016 * noisiness * gauss(seed + 3, step),
    ),
  };
}

function clamp(ratio: number): number {
  return Math.min(1, Math.max(0, ratio));
}
