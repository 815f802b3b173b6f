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

/** The view cannot go on: the ask under way ends early. */
export function losePeer(state: MemberState, error: WireError): MemberDecision {
  const reason = error.message;
  if (state.phase.kind === 'idle') return { state, tells: [], ask: undefined, reason };
  const tells = [{ kind: 'abort', reason } as const];
  return { state: { ...state, loss: state.loss ?? error }, tells, ask: undefined, reason };
}

/** The step under way is the last. */
export function leave(state: MemberState): MemberDecision {
  const reason = 'leaving after the step under way';
  return { state: { ...state, isLeaving: true }, tells: [], ask: undefined, reason };
}

/** Leaves the view before, and joins this one if we are in it. */
export function beginView(
  before: MemberState,
  view: View,
  { memberId }: MemberRules,
  tells: readonly Tell[],
): MemberDecision {
  const state = { ...before, view, next: undefined, loss: undefined };
  const leaving = [...tells, { kind: 'leave' } as const];
  const isIn = view.members.some((member) => member.memberId === memberId);
  if (state.isLeaving || !isIn)
    return {
      state: { ...state, phase: { kind: 'idle' } },
      tells: [...leaving, { kind: 'status', state: idleState(state), complaint: null }],
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
    tells: [{ kind: 'leave' }, { kind: 'status', state: idleState(state), complaint: null }],
    ask: undefined,
    reason: `view ${view.version} is done at step ${state.held}`,
  };
}

/** Leaves a view that cannot go on, and asks the coordinator for another. */
export function failView({ state, view }: Moment, error: WireError): MemberDecision {
  const { missing, left, memberId } = error.details;
  // Who left said so itself, and is no suspect.
  const named = missing ?? (left === true ? '' : memberId);
  const complaint: Complaint = {
    viewVersion: view.version,
    step: Math.max(0, state.held),
    suspects: typeof named === 'string' && named !== '' ? named.split(/, */) : [],
    error,
  };
  return {
    state: { ...state, phase: { kind: 'idle' } },
    // The word to the coordinator first: until it knows, nobody trains.
    tells: [{ kind: 'status', state: idleState(state), complaint }, { kind: 'leave' }],
    ask: undefined,
    reason: `view ${view.version} failed: ${error.message}`,
  };
}

function idleState({ isLeaving }: MemberState): 'idle' | 'draining' {
  return isLeaving ? 'draining' : 'idle';
}

/** An error of the protocol's own. */
export function wireError(
  code: ErrorCode,
  message: string,
  details: WireError['details'] = {},
): WireError {
  return { code, message, details };
}
