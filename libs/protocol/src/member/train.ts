import type { LedgerEntry, StepFacts, WireError } from '@berth/contracts';
import type { Answers } from './member-events.ts';
import {
  goOn,
  leads,
  patience,
  rest,
  standingAt,
  standingNowhere,
  type Chore,
  type MemberDecision,
  type Moment,
  type Phase,
  type Voting,
} from './member-state.ts';
import { votesDiverged } from './divergence.ts';
import { endView, failView, wireError } from './view-changes.ts';

/** All members hold the same step: where in the examples does it stand? */
export function locate({ state: before, ...rest }: Moment): MemberDecision {
  const state = { ...before, agreedStep: before.held };
  const moment = { ...rest, state };
  if (state.held === 0) return enter({ ...moment, state: { ...state, cursor: start } });
  const ask = { kind: 'readEntry', step: state.held - 1 } as const;
  return goOn(state, { kind: 'locating' }, ask, `settled at step ${state.held}`);
}

const start = { epoch: 0, index: 0 };

/** The ledger says where the step held ends. */
export function located(moment: Moment, entry: LedgerEntry | undefined): MemberDecision {
  const { state } = moment;
  if (entry !== undefined) return enter({ ...moment, state: { ...state, cursor: entry.to } });
  const message = `The ledger has no step ${state.held - 1}, but the weights do`;
  return failView(moment, wireError('LEDGER_BEHIND', message));
}

/** The view is settled: what is to be done before its first step? */
function enter(moment: Moment): MemberDecision {
  if (isAtTheEnd(moment)) return doChores(moment, choresAtTheEnd(moment));
  // Whoever led the view before may have died over it: no later view stands here again.
  return doChores(moment, isEvaluationDue(moment) ? ['evaluate'] : []);
}

/** Does what is due between steps, then the next step, if there is one. */
export function doChores(moment: Moment, chores: readonly Chore[]): MemberDecision {
  const { state, view, rules } = moment;
  const [chore, ...others] = chores;
  const phase = { kind: 'chores', rest: others } as const;
  const { cursor, held } = state;
  switch (chore) {
    case 'save':
      return goOn(state, phase, { kind: 'save', view, cursor }, `saving step ${held}`);
    case 'finishSaves':
      return goOn(state, phase, { kind: 'finishSaves' }, 'waiting until all is saved');
    case 'evaluate':
      return goOn(state, phase, { kind: 'evaluate', step: held }, `evaluating step ${held}`);
    case undefined:
      break;
  }
  if (isAtTheEnd(moment) || state.isLeaving) return endView(moment);
  const isLast = held + 1 >= rules.numSteps;
  const ask = { kind: 'readExamples', cursor, isLast } as const;
  return goOn(state, { kind: 'readingExamples' }, ask, `step ${held} begins`);
}

/** A view to save ends where the ledger stood, so that what is saved is all that was committed. */
function isAtTheEnd({ state, view, rules }: Moment): boolean {
  return state.held >= (view.mode === 'save' ? view.fromStep : rules.numSteps);
}

function isEvaluationDue(moment: Moment): boolean {
  const { state, rules } = moment;
  const { evalEverySteps, numSteps } = rules;
  const isDue = evalEverySteps > 0 && state.held % evalEverySteps === 0;
  return (isDue || state.held >= numSteps) && leads(moment);
}

function choresAtTheEnd(moment: Moment): Chore[] {
  if (!isEvaluationDue(moment)) return ['save', 'finishSaves'];
  // A run that is to rest does so once it is saved; one that is done waits for the evaluation.
  const isDone = moment.state.held >= moment.rules.numSteps;
  return isDone ? ['save', 'evaluate', 'finishSaves'] : ['evaluate', 'save', 'finishSaves'];
}

function choresAfterStep(moment: Moment): Chore[] {
  if (isAtTheEnd(moment)) return choresAtTheEnd(moment);
  const chores: Chore[] = [];
  if (moment.state.held % moment.rules.checkpointEverySteps === 0) chores.push('save');
  if (isEvaluationDue(moment)) chores.push('evaluate');
  return chores;
}

/** The examples are here: compute the gradients of our virtual ranks. They take the place of those before. */
export function computeStep(moment: Moment, examples: Answers['readExamples']): MemberDecision {
  const { state, view, rules } = moment;
  const step = state.held;
  const self = view.members.find(({ memberId }) => memberId === rules.memberId);
  const { from, to, numExamples } = examples;
  return goOn(
    { ...state, pending: undefined },
    { kind: 'computing', facts: { step, from, to, numExamples } },
    { kind: 'compute', step, blocks: self?.blocks ?? [], isLone: view.members.length === 1 },
    `computing step ${step}`,
  );
}

/** Sums the gradients of all virtual ranks with everyone's, in canonical order. */
export function reduceStep(
  { state }: Moment,
  facts: Extract<Phase, { kind: 'reducing' }>['facts'],
): MemberDecision {
  const { step } = facts;
  return goOn(
    state,
    { kind: 'reducing', facts },
    { kind: 'reduce', step },
    `reducing step ${step}`,
  );
}

/** The gradient is reduced. From the vote on the step may be committed without us knowing. */
export function voteFor(
  moment: Moment,
  known: Omit<StepFacts, 'gradientDigest'>,
  { digest, sums, stateDigest }: Answers['reduce'],
): MemberDecision {
  const { nowMs, state, rules } = moment;
  const facts = { ...known, gradientDigest: digest };
  const { stepTimeoutMs } = rules;
  const due = patience(nowMs, stepTimeoutMs);
  const voting = { kind: 'voting', facts, sums, stateDigest, ...due } as const;
  return castVote({ ...moment, state: { ...state, pending: facts } }, voting);
}

/** Votes, or votes again, which is harmless and tells how the vote stands. */
export function castVote({ state, view }: Moment, voting: Voting): MemberDecision {
  const { facts, sums, stateDigest } = voting;
  const ask = { kind: 'vote', view, facts, sums, stateDigest } as const;
  return goOn(state, voting, ask, `voting for step ${facts.step}`);
}

/** The ledger's word on our vote. */
export function voteCounted(
  moment: Moment,
  voting: Voting,
  verdict: Answers['vote'],
): MemberDecision {
  const { nowMs, state, view, rules } = moment;
  const { facts, sums, deadlineMs } = voting;
  const { step } = facts;
  switch (verdict.kind) {
    case 'committed':
    case 'replayed':
      return goOn(
        state,
        { kind: 'applying', facts, sums },
        { kind: 'apply', step },
        `step ${step} is ${verdict.kind}`,
      );
    case 'waiting':
      if (nowMs <= deadlineMs) return rest(state, voting, `step ${step} waits for other votes`);
      return failView(
        moment,
        wireError(
          'COLLECTIVE_TIMEOUT',
          `Step ${step}, vote: not all of ${view.members.map((m) => m.memberId).join(', ')} ` +
            `voted within ${rules.stepTimeoutMs} ms`,
        ),
      );
    case 'stale':
      return failView(
        moment,
        wireError(
          'WORKER_FENCED',
          `Step ${step}: view ${view.version} of epoch ${view.fencingEpoch} has been replaced`,
        ),
      );
    case 'ahead':
      return failView(moment, wireError('LEDGER_BEHIND', verdict.reason));
    case 'contradicted':
      return contradicted(moment, step, verdict.reason);
    case 'diverged':
      return failView(moment, votesDiverged(step, verdict.votes));
  }
}

/**
 * The ledger holds another result. What we hold may be damaged, and in a replay votes are not compared with each other: all begin
 * again with a checkpoint. If that leads to the same, nothing can cure it, and the coordinator ends the run.
 */
function contradicted(moment: Moment, step: number, reason: string): MemberDecision {
  const details = { divergence: 'ledger', step };
  const state = standingNowhere(moment.state);
  const decision = failView(
    { ...moment, state },
    wireError('COLLECTIVE_PROTOCOL', reason, details),
  );
  return { ...decision, tells: [{ kind: 'held', step: -1 }, ...decision.tells] };
}

/** A vote got no answer: it is cast again over an outage of the ledger, until the step's time is over. */
export function voteFailed(moment: Moment, voting: Voting, error: WireError): MemberDecision {
  const passes = error.code === 'QUEUE_UNREACHABLE' && moment.nowMs <= voting.deadlineMs;
  if (!passes) return failView(moment, error);
  return rest(moment.state, voting, `step ${voting.facts.step} waits for the ledger`);
}

/** The weights stand one step further. */
export function stepApplied(
  moment: Moment,
  { facts, sums }: Extract<Phase, { kind: 'applying' }>,
): MemberDecision {
  const { step, to } = facts;
  const after = { ...moment, state: { ...standingAt(moment.state, step + 1), cursor: to } };
  const decision = doChores(after, choresAfterStep(after));
  const report = leads(moment) ? [{ kind: 'report', step, sums } as const] : [];
  return { ...decision, tells: [{ kind: 'held', step: step + 1 }, ...report, ...decision.tells] };
}
