import type { Complaint, View, WireError } from '@berth/contracts';
import { agreedStepOf, oddOf } from './divergence.ts';
import { standNowhere, type ViewContext } from './view-script.ts';

/** What the coordinator is told of a view that failed at a step. */
export function complaintOf(view: View, step: number, error: WireError): Complaint {
  const { missing, left, memberId } = error.details;
  // Who left said so itself, and is no suspect.
  const named = missing ?? (left === true ? '' : memberId);
  const suspects = typeof named === 'string' && named !== '' ? named.split(/, */) : [];
  return { viewVersion: view.version, step: Math.max(0, step), suspects, error };
}

/**
 * Decides what is left of a state that is not the others'. If no step was made since all agreed, the odd ones' is worthless, and they
 * copy the others'; when nobody knows who is right, everyone's is. If steps were made, they may be wrong too: with none of these
 * states anyone goes on, and they stay so that this is not forgotten, until the run has gone back.
 * @returns the failure, with the step at which all agreed; any other is returned as it is
 */
export function judgeState(
  { me, rules, tell }: Pick<ViewContext, 'me' | 'rules' | 'tell'>,
  failure: WireError,
): WireError {
  if (failure.code !== 'STATE_DIVERGED') return failure;
  const error = { ...failure, details: { agreedStep: me.agreedStep, ...failure.details } };
  const odd = oddOf(error);
  if (me.appliedStep > agreedStepOf(error)) me.divergence = error;
  else if (odd.length === 0 || odd.includes(rules.memberId)) standNowhere({ me, tell });
  return error;
}
