import { baselinesOf, evaluationMetrics, type Task } from '@berth/contracts/constants';
import { gauss } from '../made-up-numbers.ts';
import type { CurveShape } from '../curve-shape.ts';

/** Values of a made-up fine-tuned model: `loss`, and the metrics that steps have, or evaluations. */
export function fineTunedMetrics(
  task: Task,
  { seed, halfLife, numSteps, peakLearningRate }: CurveShape,
  step: number,
  kind: 'step' | 'eval',
): { readonly loss: number } & Record<string, number> {
  const isEval = kind === 'eval';
  const noisiness = isEval ? 0.3 : 1;
  const learnt = 1 - Math.exp(-step / (halfLife / 2.2));
  // The best of the usual rates is in the middle.
  const skill = 1 - 0.11 * Math.abs(Math.log10(peakLearningRate / 5e-5)) - (isEval ? 0.04 : 0);
  const shown = isEval ? evaluationMetrics(task) : task.metrics;
  const values = shown.map(({ name, unit, isMoreBetter }, place): [string, number] => {
    const noise = noisiness * gauss(seed + place + (isEval ? 40 : 0), step);
    if (!isMoreBetter) {
      const overfit = isEval ? 0.14 * (step / numSteps) ** 2 : 0;
      return [name, Math.max(0.01, 0.21 + 1.5 * (1 - learnt) + overfit + 0.05 * noise)];
    }
    const top = (0.93 - 0.035 * place) * skill;
    const value = 0.22 + (top - 0.22) * learnt + 0.012 * noise;
    return [name, unit === 'correlation' ? value - 0.05 : Math.min(1, value)];
  });
  const losses = task.losses.map(({ name, factor = 1 }) => {
    const found = values.find(([metric]) => metric === `${name}_loss`);
    return factor * (found?.[1] ?? 0);
  });
  return {
    loss: losses.reduce((sum, loss) => sum + loss, 0),
    ...Object.fromEntries(values),
    ...(isEval && Object.fromEntries(baselineLines(task))),
  };
}

function baselineLines(task: Task): [string, number][] {
  return evaluationMetrics(task).flatMap(({ name, isMoreBetter }, place) =>
    baselinesOf(task, name).map((baseline): [string, number] => [
      baseline.name,
      isMoreBetter ? 0.31 / (1 + 0.4 * place) : 1.42,
    ]),
  );
}
