import { BerthError, type HeldGradient } from '@berth/contracts';
import type { StepExamples } from './example-source.ts';

/**
 * Refuses a step that would be committed and never be applied. All members find the same.
 * @throws BerthError `NUMERICS_NOT_FINITE` naming the step, its examples, the gradient's norm and the sums that are not finite
 */
export function requireFinite(
  { step, examples }: { readonly step: number; readonly examples: StepExamples },
  { gradientNorm, sums }: Pick<HeldGradient, 'gradientNorm' | 'sums'>,
): void {
  const wrong = Object.entries(sums).filter(([, value]) => !Number.isFinite(value));
  if (wrong.length === 0 && Number.isFinite(gradientNorm)) return;
  const { from, to } = examples;
  const sumsText = wrong.map(([name, value]) => `, ${name} ${value}`).join('');
  throw new BerthError(
    'NUMERICS_NOT_FINITE',
    `step ${step}, examples ${from.epoch}.${from.index} to ${to.epoch}.${to.index}: ` +
      `gradient norm ${gradientNorm}${sumsText}; the step was not voted for, and nothing was applied. ` +
      'Train again with a lower optimizer.learningRate or a longer warm-up',
    { details: { step, gradientNorm: String(gradientNorm) } },
  );
}
