export { decideMember } from './decide-member.ts';
export type { Answer, Answers, Ask, MemberEvent, Tell } from './member-events.ts';
export {
  initialMemberState,
  type MemberDecision,
  type MemberRules,
  type MemberState,
} from './member-state.ts';
export { foundDamaged } from './diverged.ts';
export { oddOf } from './divergence.ts';
export { goBack } from './lifecycle/go-back.ts';
export { decideMembership } from './membership.ts';
export type {
  LiveMember,
  MembershipDecision,
  MembershipOptions,
  UnreadableMember,
} from './membership-state.ts';
export { knownDifference, numericsDifference } from './numerics.ts';
export { coordinationTimes, runPatience } from './coordination-times.ts';
export { decideRun } from './run.ts';
export {
  newRunMemory,
  type RunDecision,
  type RunMemory,
  type RunRules,
  type RunSight,
  type TrainingStatus,
} from './run-state.ts';
export {
  beginAttempt,
  endAttempt,
  hasTrained,
  isAbandoned,
  newAttempt,
  takeBack,
} from './lifecycle/attempts.ts';
export { controlStates } from './lifecycle/control-states.ts';
export {
  decideControl,
  type ControlDecision,
  type ControlSight,
  type RunChange,
} from './lifecycle/decide-control.ts';
export { isInScope, queueOf, reasonToWait, type Scope } from './lifecycle/queue.ts';
