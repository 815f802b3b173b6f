import { BerthError, type View, type WireError } from '@berth/contracts';
import type { Answer, Answers, MemberEvent } from './member-events.ts';
import {
  standingAt,
  type MemberDecision,
  type MemberRules,
  type MemberState,
  type Moment,
} from './member-state.ts';
import {
  announceCheckpoint,
  checkPending,
  fetched,
  gathered,
  look,
  pendingApplied,
  pendingChecked,
  saidToHold,
  stateReady,
} from './settle-view.ts';
import {
  castVote,
  computeStep,
  doChores,
  locate,
  located,
  reduceStep,
  stepApplied,
  voteCounted,
  voteFailed,
  voteFor,
} from './train.ts';
import { beginView, diverge, failView, leave, losePeer, seeView } from './view-changes.ts';

/**
 * What a member does next. Pure: a shell carries out what is told and asked, and comes back with the answer.
 * A member follows one view at a time: it joins the others, they agree on a state (settle-view.ts), and train step by
 * step (train.ts) until the run's last, a failure, or a newer view (view-changes.ts).
 */
export function decideMember(
  nowMs: number,
  state: MemberState,
  event: MemberEvent,
  rules: MemberRules,
): MemberDecision {
  switch (event.kind) {
    case 'view':
      return seeView(state, event.view, rules);
    case 'peerLost':
      return losePeer(state, event.error);
    case 'diverged':
      return diverge(state, event, rules);
    case 'leave':
      return leave(state);
    case 'answered':
    case 'failed':
      break;
  }
  const moment = { nowMs, state, view: viewOf(state), rules };
  const decision =
    event.kind === 'answered' ? answered(moment, event.answer) : failed(moment, event.error);
  // What was learnt counts; what was to come gives way to a newer view, or to the end of this one.
  const { next, loss, phase } = decision.state;
  if (next !== undefined) return beginView(decision.state, next, rules, decision.tells);
  if (loss === undefined || phase.kind === 'idle') return decision;
  const end = failView({ ...moment, state: decision.state }, loss);
  return { ...end, tells: [...decision.tells, ...end.tells] };
}

function answered(moment: Moment, answer: Answer): MemberDecision {
  const { phase } = moment.state;
  switch (phase.kind) {
    case 'idle':
      throw new BerthError('INTERNAL', `An idle member was answered ${answer.to}`);
    case 'joining':
      return checkPending(moment);
    case 'checkingPending':
      return pendingChecked(moment, valueOf(answer, 'readEntry'));
    case 'applyingPending':
      return pendingApplied(moment);
    case 'digesting':
      return saidToHold(moment, valueOf(answer, 'digestState'));
    case 'posting':
      return look(moment, phase.following);
    case 'gathering':
      return gathered(moment, phase, valueOf(answer, 'readWords'));
    case 'choosing':
      return announceCheckpoint(moment, valueOf(answer, 'findCheckpoint'));
    case 'initializing':
      return stateReady(moment, 0);
    case 'snapshotting':
      return locate(moment);
    case 'fetching':
      return fetched(moment, phase);
    case 'loading':
      return stateReady(moment, phase.step);
    case 'locating':
      return located(moment, valueOf(answer, 'readEntry'));
    case 'readingExamples':
      return computeStep(moment, valueOf(answer, 'readExamples'));
    case 'computing':
      return reduceStep(moment, phase.facts);
    case 'reducing':
      return voteFor(moment, phase.facts, valueOf(answer, 'reduce'));
    case 'voting':
      return voteCounted(moment, phase, valueOf(answer, 'vote'));
    case 'resting':
      return phase.until.kind === 'gathering'
        ? look(moment, phase.until)
        : castVote(moment, phase.until);
    case 'applying':
      return stepApplied(moment, phase);
    case 'chores':
      return doChores(moment, phase.rest);
  }
}

function failed(moment: Moment, error: WireError): MemberDecision {
  const { phase, loss } = moment.state;
  switch (phase.kind) {
    case 'voting':
      return voteFailed(moment, phase, error);
    case 'initializing':
    case 'loading':
    case 'applying':
    case 'applyingPending': {
      // Cut short half-way, the engine holds no step's weights.
      const decision = failView({ ...moment, state: standingAt(moment.state, -1) }, loss ?? error);
      return { ...decision, tells: [{ kind: 'held', step: -1 }, ...decision.tells] };
    }
    case 'reducing':
      return failView(moment, loss ?? firstOfAll(moment, error));
    default:
      // What was ended early because of a loss is complained of as the loss.
      return failView(moment, loss ?? error);
  }
}

/** A gradient that is not finite may come of a damaged state: the first time it costs an attempt, before which states are compared. */
function firstOfAll({ view, state }: Moment, error: WireError): WireError {
  if (error.code !== 'NUMERICS_NOT_FINITE' || view.members.length === 1) return error;
  const details = { ...error.details, divergence: 'finite', step: state.held };
  return { code: 'COLLECTIVE_PROTOCOL', message: error.message, details };
}

function valueOf<K extends keyof Answers>(answer: Answer, to: K): Answers[K] {
  if (answer.to === to) return answer.value as Answers[K];
  throw new BerthError('INTERNAL', `A member that asked to ${to} was answered ${answer.to}`);
}

function viewOf({ view }: MemberState): View {
  if (view === undefined) throw new BerthError('INTERNAL', 'A member without a view was answered');
  return view;
}
