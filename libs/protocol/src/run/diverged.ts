import type { View, WireError } from '@berth/contracts';
import { complaintsAbout, type MadeComplaint } from './complaints.ts';
import { agreedStepOf, oddOf } from '../member/divergence.ts';
import { viewName } from '../ledger/view-id.ts';
import type { LiveMember } from './membership-state.ts';
import { wireError } from '../member/wire-error.ts';

/** A step whose gradient came out different: the members' of a view from each other's, theirs from the ledger's, or from any number. */
export interface GradientDivergence {
  readonly kind: (typeof kinds)[number];
  readonly view: string;
  readonly step: number;
}

const kinds = ['gradient', 'ledger', 'finite'] as const;

/** States of members that differ, as one of them says. */
export function stateDivergenceOf(complaints: readonly MadeComplaint[]): WireError | undefined {
  return complaints
    .map(({ complaint }) => complaint.error)
    .find(({ code }) => code === 'STATE_DIVERGED');
}

/**
 * Why the run must go back to a checkpoint: since all agreed, steps were committed to which a damaged state may have contributed.
 * Without any, the odd ones only have to copy the others' state, and all restore one when nobody knows who is odd.
 */
export function reasonToGoBack(error: WireError, numCommitted: number): string | undefined {
  const agreedStep = agreedStepOf(error);
  if (numCommitted <= agreedStep) return undefined;
  const odd = oddOf(error).join(', ');
  const whose = odd === '' ? 'nobody knows whose state is damaged' : `${odd} has a damaged state`;
  const since =
    agreedStep < 0 ? 'nobody compared them before' : `all agreed at step ${agreedStep} last`;
  return `${whose}; ${since}: ${error.message}`;
}

/** What members of a view say for which its run must go back, and why; undefined when there is nothing. */
export function foundDamaged(
  view: View | undefined,
  live: readonly LiveMember[],
  numCommitted: number,
): { readonly diverged: WireError; readonly reason: string } | undefined {
  const diverged = view && stateDivergenceOf(complaintsAbout(view, live));
  if (diverged === undefined) return undefined;
  const reason = reasonToGoBack(diverged, numCommitted);
  return reason === undefined ? undefined : { diverged, reason };
}

/** The newest divergence of gradients, known from now on. */
export function noteGradientDivergence(
  before: GradientDivergence | undefined,
  view: View | undefined,
  complaints: readonly MadeComplaint[],
): GradientDivergence | undefined {
  const found = gradientDivergenceOf(complaints);
  if (found === undefined || view === undefined) return before;
  const { kind, step } = found;
  if (before?.kind === kind && before.step === step) return before;
  return { kind, view: viewName(view), step };
}

/** The first time may be a damaged memory or message; when the same step diverges in another view, something computes otherwise. */
export function secondDivergence(
  first: GradientDivergence | undefined,
  view: View | undefined,
  complaints: readonly MadeComplaint[],
): WireError | undefined {
  const found = gradientDivergenceOf(complaints);
  if (found === undefined || first === undefined || view === undefined) return undefined;
  if (first.kind !== found.kind || first.step !== found.step) return undefined;
  if (first.view === viewName(view)) return undefined;
  const { kind, step, message } = found;
  if (kind === 'finite') return wireError('NUMERICS_NOT_FINITE', message, { step });
  return wireError('LEDGER_DIVERGED', `${message}, for the second time`, {
    divergence: kind,
    step,
  });
}

function gradientDivergenceOf(
  complaints: readonly MadeComplaint[],
): (Omit<GradientDivergence, 'view'> & { readonly message: string }) | undefined {
  for (const { complaint } of complaints) {
    const { message, details } = complaint.error;
    const { step } = details;
    const kind = kinds.find((one) => one === details['divergence']);
    if (kind !== undefined && typeof step === 'number') return { kind, step, message };
  }
  return undefined;
}
