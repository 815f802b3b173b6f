import type {
  AlignedBlock,
  Complaint,
  Cursor,
  LedgerEntry,
  StepFacts,
  StepSums,
  View,
  ViewMember,
  WireError,
} from '@berth/contracts';
import type { Verdict } from '../ledger/vote.ts';

/** What a member does next and waits for; there is one at a time, and each is answered by one event. */
export type Ask =
  | { readonly kind: 'join'; readonly view: View }
  | { readonly kind: 'readEntry'; readonly step: number }
  /** Digests all of the weights and moments. */
  | { readonly kind: 'digestState' }
  | { readonly kind: 'postValue'; readonly key: string; readonly value: string }
  | { readonly kind: 'readValues'; readonly key: string }
  | { readonly kind: 'findCheckpoint'; readonly minStep: number; readonly maxStep: number }
  | { readonly kind: 'fetchCheckpoint'; readonly step: number }
  /** Copies the weights and moments aside, for members of the view that lack them. */
  | { readonly kind: 'snapshot'; readonly view: View; readonly step: number }
  | {
      readonly kind: 'fetchState';
      readonly view: View;
      readonly step: number;
      readonly donors: readonly ViewMember[];
    }
  /** Puts into the engine what was fetched, and checks that it is there; by this digest, or by the checkpoint's. */
  | { readonly kind: 'load'; readonly step: number; readonly digest?: string }
  | { readonly kind: 'initialize'; readonly seed: number }
  | {
      readonly kind: 'readExamples';
      readonly step: number;
      /** After those of the step before. */
      readonly cursor: Cursor;
      readonly isLast: boolean;
    }
  | {
      readonly kind: 'compute';
      readonly step: number;
      readonly blocks: readonly AlignedBlock[];
      readonly isLone: boolean;
    }
  | { readonly kind: 'reduce'; readonly step: number }
  | {
      readonly kind: 'vote';
      readonly view: View;
      readonly facts: StepFacts;
      readonly sums: StepSums;
      readonly stateDigest: string;
    }
  /** Updates the weights by the gradient reduced last. */
  | { readonly kind: 'apply'; readonly step: number }
  /** Takes a snapshot, to be stored while training goes on. */
  | { readonly kind: 'save'; readonly view: View; readonly cursor: Cursor }
  | { readonly kind: 'finishSaves' }
  | { readonly kind: 'evaluate'; readonly step: number }
  | { readonly kind: 'wait'; readonly ms: number };

/** What each ask is answered with. */
export interface Answers {
  readonly join: void;
  readonly readEntry: LedgerEntry | undefined;
  readonly digestState: string;
  readonly postValue: void;
  readonly readValues: ReadonlyMap<string, string>;
  /** Step of the newest checkpoint of these that verifies. */
  readonly findCheckpoint: number | undefined;
  readonly fetchCheckpoint: void;
  readonly snapshot: void;
  readonly fetchState: void;
  readonly load: void;
  readonly initialize: void;
  readonly readExamples: Pick<StepFacts, 'from' | 'to' | 'numExamples'>;
  readonly compute: void;
  readonly reduce: {
    readonly digest: string;
    readonly sums: StepSums;
    /** Of the slice of the state that this step's vote has; '' when there is nobody to compare it with. */
    readonly stateDigest: string;
  };
  readonly vote: Verdict;
  readonly apply: void;
  readonly save: void;
  readonly finishSaves: void;
  readonly evaluate: void;
  readonly wait: void;
}

export type Answer = {
  [K in keyof Answers]: { readonly to: K; readonly value: Answers[K] };
}[keyof Answers];

/** What a member says or does without waiting. */
export type Tell =
  /** Ends the ask under way early; it still is answered. */
  | { readonly kind: 'abort'; readonly reason: string }
  /** Closes the connections of the view. */
  | { readonly kind: 'leave' }
  | {
      readonly kind: 'status';
      readonly state: 'idle' | 'training' | 'draining';
      readonly complaint: Complaint | null;
    }
  /** The weights now stand at a step; -1: they are no step's. */
  | { readonly kind: 'appliedStep'; readonly step: number }
  /** We leave with a step that no checkpoint has. */
  | { readonly kind: 'unsaved'; readonly step: number; readonly error: WireError }
  /** A step of ours was applied: whoever leads the view reports it. */
  | { readonly kind: 'report'; readonly step: number; readonly sums: StepSums };

/** What happens to a member. */
export type MemberEvent =
  | { readonly kind: 'view'; readonly view: View }
  /** A connection of the view we follow broke: no step of it will end. */
  | { readonly kind: 'peerLost'; readonly error: WireError }
  /** Members of a view hold different states: what one of them saves is not what it would be in the others. */
  | { readonly kind: 'diverged'; readonly view: View; readonly error: WireError }
  /** The process is to end: the step under way is the last, and the last members save it. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly error: WireError };
