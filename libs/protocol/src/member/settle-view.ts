import type { LedgerEntry } from '@berth/contracts';
import type { Ask } from './member-events.ts';
import {
  goOn,
  patience,
  rest,
  standingAt,
  standingNowhere,
  type Gathering,
  type MemberDecision,
  type MemberState,
  type Moment,
  type Phase,
} from './member-state.ts';
import { stateDiverged } from './divergence.ts';
import {
  holdingWord,
  parseHolding,
  planSettle,
  restoreTopic,
  settleTopic,
  type SettlePlan,
} from './settle.ts';
import { locate } from './train.ts';
import { agreedStepOf, failView, wireError } from './view-changes.ts';

/** Connected to all members. Was the step that we reduced last committed without us knowing? */
export function checkPending(moment: Moment): MemberDecision {
  const { state, view } = moment;
  const { divergence } = state;
  if (divergence !== undefined) {
    // What was made with damaged weights is in the ledger, unless that has been cut back since.
    if (view.fromStep > agreedStepOf(divergence)) return failView(moment, divergence);
    const clean = standingNowhere(state);
    return withHeld(clean, sayWhatWeHold({ ...moment, state: clean }));
  }
  const { pending, held } = state;
  if (pending === undefined) return sayWhatWeHold(moment);
  const ask = { kind: 'readEntry', step: held } as const;
  return goOn(state, { kind: 'checkingPending' }, ask, `was step ${held} committed?`);
}

/** If it was, with our result, we have only to apply it. */
export function pendingChecked(moment: Moment, entry: LedgerEntry | undefined): MemberDecision {
  const { state } = moment;
  const { pending } = state;
  if (pending === undefined || entry?.gradientDigest !== pending.gradientDigest)
    return sayWhatWeHold(moment);
  const { step } = pending;
  const ask = { kind: 'apply', step } as const;
  return goOn(state, { kind: 'applyingPending' }, ask, `step ${step} was committed`);
}

export function pendingApplied(moment: Moment): MemberDecision {
  const state = standingAt(moment.state, moment.state.held + 1);
  return withHeld(state, sayWhatWeHold({ ...moment, state }));
}

/** What others are to compare with theirs. */
function sayWhatWeHold(moment: Moment): MemberDecision {
  const { state, view } = moment;
  if (state.held < 0 || view.members.length === 1) return saidToHold(moment, '');
  const reason = `what is step ${state.held}?`;
  return goOn(state, { kind: 'digesting' }, { kind: 'digestState' }, reason);
}

/** Tells the others which state we hold, and hears theirs. */
export function saidToHold({ nowMs, state, view, rules }: Moment, digest: string): MemberDecision {
  const topic = settleTopic(view);
  const members = view.members.map(({ memberId }) => memberId);
  const following: Gathering = {
    kind: 'gathering',
    topic,
    members,
    subject: 'held steps',
    ...patience(nowMs, rules.settleTimeoutMs),
  };
  const { held: step, agreedStep } = state;
  const word = holdingWord({ step, digest, agreedStep });
  const ask = { kind: 'postWord', topic, word } as const;
  return goOn(state, { kind: 'posting', following }, ask, `we hold step ${state.held}`);
}

/** Looks at the words under a topic. */
export function look({ state }: Moment, gathering: Gathering): MemberDecision {
  const { topic, subject } = gathering;
  return goOn(state, gathering, { kind: 'readWords', topic }, `hearing of ${subject}`);
}

/** Once everyone has spoken, all draw the same conclusion. */
export function gathered(
  moment: Moment,
  gathering: Gathering,
  words: ReadonlyMap<string, string>,
): MemberDecision {
  const { nowMs, state, view, rules } = moment;
  const { topic, members, subject, deadlineMs } = gathering;
  const missing = members.filter((member) => !words.has(member));
  if (missing.length > 0) {
    const names = missing.join(', ');
    if (nowMs <= deadlineMs) return rest(state, gathering, `nothing from ${names} yet`);
    const message = `${topic}: nothing from ${names} within ${rules.settleTimeoutMs} ms`;
    return failView(
      moment,
      wireError('COLLECTIVE_TIMEOUT', message, { missing: missing.join(',') }),
    );
  }
  if (subject === 'checkpoint') return restore(moment, words.get(members[0] ?? '') ?? initialWord);
  const held = new Map(members.map((member) => [member, parseHolding(words.get(member))]));
  return followPlan(moment, planSettle(held, view.fromStep));
}

function followPlan(moment: Moment, plan: SettlePlan): MemberDecision {
  const { nowMs, state, view, rules } = moment;
  if (plan.kind === 'diverged') {
    const { step, digests, agreedStep } = plan;
    return failView(moment, stateDiverged(step, 'the state', digests, { agreedStep }));
  }
  if (plan.kind === 'peers') {
    const donors = view.members.filter(({ memberId }) => plan.donors.includes(memberId));
    if (plan.step === state.held) return donate(moment, view.members.length - donors.length);
    const ask = { kind: 'fetchState', view, step: plan.step, donors } as const;
    const reason = `copying step ${plan.step} from ${plan.donors.join(', ')}`;
    return fetch(state, ask, reason, plan.digest);
  }
  if (plan.chooser === rules.memberId) {
    const ask = { kind: 'findCheckpoint', maxStep: view.fromStep } as const;
    return goOn(state, { kind: 'choosing' }, ask, 'nobody holds a step of the ledger');
  }
  return look(moment, choice(moment, plan.chooser, nowMs));
}

/** We hold what the view starts from. Who lacks it copies it while we train on, so we put a copy aside. */
function donate(moment: Moment, numLacking: number): MemberDecision {
  const { state, view } = moment;
  if (numLacking === 0) return locate(moment);
  const { held: step } = state;
  const ask = { kind: 'snapshot', view, step } as const;
  return goOn(state, { kind: 'snapshotting' }, ask, `${numLacking} members lack step ${step}`);
}

function choice({ view, rules }: Moment, chooser: string, nowMs: number): Gathering {
  return {
    kind: 'gathering',
    topic: restoreTopic(view),
    members: [chooser],
    subject: 'checkpoint',
    ...patience(nowMs, rules.settleTimeoutMs),
  };
}

/** Says instead of a step: there is no checkpoint, begin from the seed. */
const initialWord = 'init';

/** The chooser tells the others which checkpoint all restore. */
export function announceCheckpoint(moment: Moment, step: number | undefined): MemberDecision {
  const { nowMs, state, view, rules } = moment;
  const following = choice(moment, rules.memberId, nowMs);
  const word = step === undefined ? initialWord : String(step);
  const ask = { kind: 'postWord', topic: restoreTopic(view), word } as const;
  return goOn(state, { kind: 'posting', following }, ask, `all are to restore ${word}`);
}

function restore({ state, rules }: Moment, word: string): MemberDecision {
  if (word === initialWord) {
    const ask = { kind: 'initialize', seed: rules.seed } as const;
    return goOn(state, { kind: 'initializing' }, ask, 'initialising the weights from the seed');
  }
  const step = Number(word);
  return fetch(state, { kind: 'fetchCheckpoint', step }, `restoring checkpoint ${step}`);
}

function fetch(
  state: MemberState,
  ask: Extract<Ask, { kind: 'fetchState' | 'fetchCheckpoint' }>,
  reason: string,
  digest?: string,
): MemberDecision {
  const known = digest === undefined || digest === '' ? {} : { digest };
  return goOn(state, { kind: 'fetching', step: ask.step, ...known }, ask, reason);
}

/** What was fetched goes into the engine, which until then holds what it held. */
export function fetched(
  { state }: Moment,
  { step, digest }: Extract<Phase, { kind: 'fetching' }>,
): MemberDecision {
  const ask = { kind: 'load', step, ...(digest !== undefined && { digest }) } as const;
  return goOn(state, { kind: 'loading', step }, ask, `loading step ${step}`);
}

/** The weights have come to stand at a step by other ways than training. */
export function stateReady(moment: Moment, step: number): MemberDecision {
  const state = standingAt(moment.state, step);
  return withHeld(state, locate({ ...moment, state }));
}

function withHeld({ held }: MemberState, decision: MemberDecision): MemberDecision {
  return { ...decision, tells: [{ kind: 'held', step: held }, ...decision.tells] };
}
