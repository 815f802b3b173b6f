import type { ViewId } from '../ledger/vote.ts';
import type { Cursor, StepFacts, StepSums, View, WireError } from '@berth/contracts';
import type { Ask, Tell } from './member-events.ts';

/** Work between steps, in order. */
export type Chore = 'save' | 'evaluate' | 'finishSaves';

/** Looks at what others say again and again, until a deadline. */
interface Patience {
  readonly deadlineMs: number;
  /** Until the next look. */
  readonly pollMs: number;
}

/** Waits until everyone has spoken under a topic. */
export interface Gathering extends Patience {
  readonly kind: 'gathering';
  readonly topic: string;
  readonly members: readonly string[];
  readonly subject: 'held steps' | 'checkpoint';
}

/** Waits until everyone has voted. */
export interface Voting extends Patience {
  readonly kind: 'voting';
  readonly facts: StepFacts;
  readonly sums: StepSums;
  /** Of a slice of the state before the step. */
  readonly stateDigest: string;
}

/** Where a member is in a view, named after the ask that it waits for, in the order of the story. */
export type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'joining' }
  | { readonly kind: 'checkingPending' }
  | { readonly kind: 'applyingPending' }
  | { readonly kind: 'digesting' }
  | { readonly kind: 'posting'; readonly following: Gathering }
  | Gathering
  | { readonly kind: 'choosing' }
  | { readonly kind: 'initializing' }
  | { readonly kind: 'snapshotting' }
  | { readonly kind: 'fetching'; readonly step: number; readonly digest?: string }
  | { readonly kind: 'loading'; readonly step: number }
  | { readonly kind: 'locating' }
  | { readonly kind: 'readingExamples' }
  | { readonly kind: 'computing'; readonly facts: Omit<StepFacts, 'gradientDigest'> }
  | { readonly kind: 'reducing'; readonly facts: Omit<StepFacts, 'gradientDigest'> }
  | Voting
  | { readonly kind: 'applying'; readonly facts: StepFacts; readonly sums: StepSums }
  | { readonly kind: 'chores'; readonly rest: readonly Chore[] }
  | { readonly kind: 'resting'; readonly until: Gathering | Voting };

export interface MemberState {
  /** Steps applied to the weights in the engine; -1 when it holds none. */
  readonly held: number;
  /** The step at which all members of our view were last found to hold the same state; -1 before. */
  readonly agreedStep: number;
  /** That our state, or another from which steps were made since, is damaged: with it we take part in nothing. */
  readonly divergence: WireError | undefined;
  /** A reduced step that may have been committed without us knowing. Its gradient is kept until the next is computed. */
  readonly pending: StepFacts | undefined;
  /** The view that we follow, or followed last. */
  readonly view: View | undefined;
  /** A newer view, begun as soon as the ask under way is answered. */
  readonly next: View | undefined;
  /** Why the view cannot go on, although the ask under way is not answered yet. */
  readonly loss: WireError | undefined;
  /** True when we begin no other step. */
  readonly isLeaving: boolean;
  /** The next example, once the view is settled. */
  readonly cursor: Cursor;
  readonly phase: Phase;
}

export const initialMemberState: MemberState = {
  held: -1,
  agreedStep: -1,
  divergence: undefined,
  pending: undefined,
  view: undefined,
  next: undefined,
  loss: undefined,
  isLeaving: false,
  cursor: { epoch: 0, index: 0 },
  phase: { kind: 'idle' },
};

/** What does not change in a member's life. */
export interface MemberRules {
  readonly memberId: string;
  readonly seed: number;
  readonly numSteps: number;
  readonly checkpointEverySteps: number;
  /** 0: only at the end. */
  readonly evalEverySteps: number;
  /** Longest wait for peers when a view begins. */
  readonly settleTimeoutMs: number;
  /** Longest wait for the others' votes. */
  readonly stepTimeoutMs: number;
  /** The newest view that this process saw of the run before this life of the member, if it had another. */
  readonly lastView?: View | undefined;
}

export interface MemberDecision {
  readonly state: MemberState;
  readonly tells: readonly Tell[];
  readonly ask: Ask | undefined;
  /** Why, for people. */
  readonly reason: string;
}

/** A moment in a view's life, for the decisions about it. */
export interface Moment {
  readonly nowMs: number;
  readonly state: MemberState;
  readonly view: View;
  readonly rules: MemberRules;
}

/** Goes on to a phase with its ask. */
export function goOn(
  state: MemberState,
  phase: Phase,
  ask: Ask,
  reason: string,
  tells: readonly Tell[] = [],
): MemberDecision {
  return { state: { ...state, phase }, tells, ask, reason };
}

/** The state when the weights have come to stand at a step, by whatever way. */
export function standingAt(state: MemberState, step: number): MemberState {
  return { ...state, held: step, pending: undefined };
}

/** The state when there are no weights worth keeping any more. */
export function standingNowhere(state: MemberState): MemberState {
  return { ...standingAt(state, -1), agreedStep: -1, divergence: undefined };
}

/** The first member of a view writes manifests, evaluates and reports. */
export function leads({ view, rules }: Moment): boolean {
  return view.members[0]?.memberId === rules.memberId;
}

/** A view's name; a version alone may come again when Redis has lost its data. */
export function viewName({ fencingEpoch, version }: View): string {
  return `${fencingEpoch}.${version}`;
}

/** True when a view comes before another one of the run. */
export function isOlderView(a: ViewId, b: ViewId): boolean {
  return (
    a.fencingEpoch < b.fencingEpoch || (a.fencingEpoch === b.fencingEpoch && a.version < b.version)
  );
}

const firstPollMs = 5;
const longestPollMs = 50;

/** Patience until a time from now. */
export function patience(nowMs: number, timeoutMs: number): Patience {
  return { deadlineMs: nowMs + timeoutMs, pollMs: firstPollMs };
}

/** Rests before the next look; each rest is longer than the one before. */
export function rest(
  state: MemberState,
  waiting: Gathering | Voting,
  reason: string,
): MemberDecision {
  const until = { ...waiting, pollMs: Math.min(longestPollMs, waiting.pollMs * 2) };
  const ask = { kind: 'wait', ms: waiting.pollMs } as const;
  return goOn(state, { kind: 'resting', until }, ask, reason);
}
