import { type Complaint, type ErrorCode, type View, type WireError } from '@berth/contracts';
import type { Tell } from './member-events.ts';
import {
  goOn,
  viewName,
  type MemberDecision,
  type MemberRules,
  type MemberState,
  type Moment,
} from './member-state.ts';

/** A view is found current: it is begun at once, or after the ask under way. */
export function seeView(state: MemberState, view: View, rules: MemberRules): MemberDecision {
  const newest = state.next ?? state.view;
  if (newest !== undefined && viewName(newest) === viewName(view))
    return { state, tells: [], ask: undefined, reason: `view ${view.version} is known` };
  if (state.phase.kind === 'idle') return beginView(state, view, rules, []);
  const reason = `view ${view.version} has come: ${view.reason}`;
  return {
    state: { ...state, next: view },
    tells: [{ kind: 'abort', reason }],
    ask: undefined,
    reason,
  };
}

/** Leaves the view before, and joins this one if we are in it. */
export function beginView(
  before: MemberState,
  view: View,
  { memberId }: MemberRules,
  tells: readonly Tell[],
): MemberDecision {
  const state = { ...before, view, next: undefined };
  const leaving = [...tells, { kind: 'leave' } as const];
  if (!view.members.some((member) => member.memberId === memberId))
    return {
      state: { ...state, phase: { kind: 'idle' } },
      tells: [...leaving, { kind: 'status', state: 'idle', complaint: null }],
      ask: undefined,
      reason: `view ${view.version} is without us`,
    };
  return goOn(
    state,
    { kind: 'joining' },
    { kind: 'join', view },
    `joining view ${view.version}: ${view.reason}`,
    [...leaving, { kind: 'status', state: 'training', complaint: null }],
  );
}

/** Leaves a view in which nothing is left to do. */
export function endView({ state, view }: Moment): MemberDecision {
  return {
    state: { ...state, phase: { kind: 'idle' } },
    tells: [{ kind: 'leave' }, { kind: 'status', state: 'idle', complaint: null }],
    ask: undefined,
    reason: `view ${view.version} is done at step ${state.held}`,
  };
}

/** Leaves a view that cannot go on, and asks the coordinator for another. */
export function failView({ state, view }: Moment, error: WireError): MemberDecision {
  const missing = error.details['missing'];
  const complaint: Complaint = {
    viewVersion: view.version,
    step: Math.max(0, state.held),
    suspects: typeof missing === 'string' ? missing.split(/, */) : [],
    error,
  };
  return {
    state: { ...state, phase: { kind: 'idle' } },
    tells: [{ kind: 'leave' }, { kind: 'status', state: 'idle', complaint }],
    ask: undefined,
    reason: `view ${view.version} failed: ${error.message}`,
  };
}

/** An error of the protocol's own. */
export function wireError(
  code: ErrorCode,
  message: string,
  details: WireError['details'] = {},
): WireError {
  return { code, message, details };
}
