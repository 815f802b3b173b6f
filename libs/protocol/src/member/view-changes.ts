import { type Complaint, type ErrorCode, type View, type WireError } from '@berth/contracts';
import { oddOf } from './divergence.ts';
import type { MemberEvent, Tell } from './member-events.ts';
import {
  goOn,
  isOlderView,
  standingNowhere,
  viewName,
  type MemberDecision,
  type MemberRules,
  type MemberState,
  type Moment,
} from './member-state.ts';

/**
 * A view is found current: it is begun at once, or after the ask under way. One that is older than the one we know is of a Redis that
 * came back older: what was said in it then would be taken for what is said now. So it would in one of an earlier life of ours: the
 * coordinator is asked for another.
 */
export function seeView(state: MemberState, view: View, rules: MemberRules): MemberDecision {
  const ours = state.next ?? state.view;
  if (ours !== undefined && viewName(ours) === viewName(view))
    return { state, tells: [], ask: undefined, reason: `view ${view.version} is known` };
  const newest = ours ?? rules.lastView;
  if (newest !== undefined && isOlderView(view, newest)) {
    const reason = `view ${view.version} of epoch ${view.fencingEpoch} is older than ours`;
    return { state, tells: [], ask: undefined, reason };
  }
  const isOver = newest !== undefined && viewName(newest) === viewName(view);
  if (isOver && isMember(view, rules)) {
    const message = `${rules.memberId} has left view ${view.version} since it began`;
    return failView(
      { state: { ...state, view }, view, rules },
      wireError('COLLECTIVE_ABORTED', message),
    );
  }
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

/** Members were found to hold different states, by what one of them saves: the view we follow cannot go on. */
export function diverge(
  state: MemberState,
  { view, error }: Extract<MemberEvent, { kind: 'diverged' }>,
  rules: MemberRules,
): MemberDecision {
  if (state.view === undefined || viewName(state.view) !== viewName(view))
    return { state, tells: [], ask: undefined, reason: 'the view has been replaced since' };
  if (state.phase.kind === 'idle') return failView({ state, view, rules }, error);
  return losePeer(state, error);
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
  rules: MemberRules,
  tells: readonly Tell[],
): MemberDecision {
  const state = { ...before, view, next: undefined, loss: undefined };
  const leaving = [...tells, { kind: 'leave' } as const];
  if (state.isLeaving || !isMember(view, rules))
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
export function failView(
  { state: before, view, rules }: Pick<Moment, 'state' | 'view' | 'rules'>,
  failure: WireError,
): MemberDecision {
  const isDivergence = failure.code === 'STATE_DIVERGED';
  const error = isDivergence ? withAgreedStep(failure, before) : failure;
  const state = isDivergence ? afterDivergence(before, error, rules) : before;
  const { missing, left, memberId } = error.details;
  // Who left said so itself, and is no suspect.
  const named = missing ?? (left === true ? '' : memberId);
  const complaint: Complaint = {
    viewVersion: view.version,
    step: Math.max(0, before.held),
    suspects: typeof named === 'string' && named !== '' ? named.split(/, */) : [],
    error,
  };
  return {
    state: { ...state, phase: { kind: 'idle' } },
    // The word to the coordinator first: until it knows, nobody trains.
    tells: [
      ...(state.held === before.held ? [] : [{ kind: 'held', step: state.held } as const]),
      { kind: 'status', state: idleState(state), complaint },
      { kind: 'leave' },
    ],
    ask: undefined,
    reason: `view ${view.version} failed: ${error.message}`,
  };
}

/** Up to which step nobody can have been led astray by a damaged state. */
export function agreedStepOf({ details }: WireError): number {
  return typeof details['agreedStep'] === 'number' ? details['agreedStep'] : -1;
}

function withAgreedStep(error: WireError, { agreedStep }: MemberState): WireError {
  return { ...error, details: { agreedStep, ...error.details } };
}

/**
 * What is left of a state that is not the others'. If no step was made since all agreed, the odd ones' is worthless, and they copy
 * the others'; when nobody knows who is right, everyone's is. If steps were made, they may be wrong too: with none of these states
 * anyone goes on, and they stay so that this is not forgotten, until the ledger has been cut back.
 */
function afterDivergence(
  state: MemberState,
  error: WireError,
  { memberId }: MemberRules,
): MemberState {
  if (state.held > agreedStepOf(error)) return { ...state, divergence: error };
  const odd = oddOf(error);
  return odd.length === 0 || odd.includes(memberId) ? standingNowhere(state) : state;
}

function isMember({ members }: View, rules: MemberRules): boolean {
  return members.some(({ memberId }) => memberId === rules.memberId);
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
