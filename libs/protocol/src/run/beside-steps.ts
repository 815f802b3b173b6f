import type { RunRules, RunSnapshot } from './run-state.ts';

/** What members are at while they are at no step: before the first and after the last; '' between. */
export function besideSteps(
  { numCommitted, isSaved, isEvaluated, view }: RunSnapshot,
  { numSteps }: Pick<RunRules, 'numSteps'>,
): string {
  if (view === undefined || view.members.length === 0) return '';
  if (numCommitted >= numSteps) {
    const left = [
      isSaved ? '' : 'saving the last checkpoint',
      isEvaluated ? '' : 'evaluating on held-out examples',
    ];
    return left.filter((text) => text !== '').join(', ');
  }
  if (numCommitted > 0) return '';
  return isEvaluated
    ? 'computing the first step'
    : 'evaluating on held-out examples before the first step';
}
