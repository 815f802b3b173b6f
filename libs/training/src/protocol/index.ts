export { decideMember } from './decide-member.ts';
export type { Answer, Answers, Ask, MemberEvent, Tell } from './member-events.ts';
export {
  initialMemberState,
  type MemberDecision,
  type MemberRules,
  type MemberState,
} from './member-state.ts';
export {
  decideMembership,
  type LiveMember,
  type MembershipDecision,
  type MembershipOptions,
} from './membership.ts';
export {
  decideRun,
  newRunMemory,
  type RunDecision,
  type RunMemory,
  type RunRules,
  type RunSight,
} from './run.ts';
