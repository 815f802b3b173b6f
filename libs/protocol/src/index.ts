export { MemberProtocol } from './member/member-protocol.ts';
export type { Answer, Answers, Ask, MemberEvent, Tell } from './member/member-events.ts';
export type { MemberRules } from './member/member-rules.ts';
export { newMemory, type Memory } from './member/memory.ts';
export { decideSpooled, isOutage, type SpooledContext } from './member/spooled-state.ts';
export { reasonToGoBack } from './run/diverged.ts';
export { Random } from './random.ts';
export { oddOf } from './member/divergence.ts';
export { eventsOfRecord } from './run/run-events.ts';
export { isNewerRecord } from './lifecycle/is-newer-record.ts';
export { decideMembership } from './run/membership.ts';
export type {
  LiveMember,
  MembershipDecision,
  MembershipOptions,
  UnreadableMember,
} from './run/membership-state.ts';
export { knownDifference, numericsDifference } from './run/numerics.ts';
export { coordinationTimes, isAlive, memberTtlMs, runPatience } from './run/coordination-times.ts';
export { decideRun } from './run/run.ts';
export {
  newRunMemory,
  type RunDecision,
  type RunMemory,
  type RunRules,
  type RunSnapshot,
  type TrainingStatus,
} from './run/run-state.ts';
export { paceAmong, stragglers, type Pace } from './run/stragglers.ts';
export {
  beginAttempt,
  endAttempt,
  hasTrained,
  isAbandoned,
  newAttempt,
  stepAtEnd,
} from './lifecycle/attempts.ts';
export { bestCheckpoint, bestPhases, noteEvaluation } from './lifecycle/evaluations.ts';
export { controlStates } from './lifecycle/control-states.ts';
export type { ControlSnapshot } from './lifecycle/control-snapshot.ts';
export type { ControlDecision, RunChange } from './lifecycle/control-decision.ts';
export { decideControl } from './lifecycle/decide-control.ts';
export { decideExtension, firstStepAgainst } from './lifecycle/decide-extension.ts';
export { decideForget, stepBefore, type Forgetting } from './lifecycle/decide-forget.ts';
export { extensionReport } from './lifecycle/extension-report.ts';
export { goesBackText, refusalText } from './lifecycle/texts.ts';
export { restsAt } from './lifecycle/resume.ts';
export { isInScope, queueOf, reasonToWait, type Scope } from './lifecycle/queue.ts';
export {
  decideLease,
  type Holding,
  type LeaseAnswer,
  type LeaseDecision,
} from './run/decide-lease.ts';
export { LedgerChain, nextHead } from './ledger/ledger-chain.ts';
export {
  LedgerVerifier,
  type LedgerReport,
  type VerifyLedgerOptions,
} from './ledger/verify-ledger.ts';
export type { ViewId } from './ledger/view-id.ts';
export type { Verdict } from './ledger/vote.ts';
export { areEqual, stateDiverged, votesDiverged } from './member/divergence.ts';
export type { ViewDraft } from './run/view-draft.ts';
export { chooseRun, noSuchRun } from './lifecycle/choose-run.ts';
export { Controller } from './leading/controller.ts';
export { holdLease } from './leading/hold-lease.ts';
export type {
  Clock,
  Rewind,
  DataPort,
  FiledBranch,
  LeadingPorts,
  PastPort,
  RunPorts,
} from './leading/ports.ts';
export { RunPast } from './leading/run-past.ts';
export type { TickContext } from './leading/run-observer.ts';
export { RunSupervisor } from './leading/run-supervisor.ts';
export { perform } from './leading/script.ts';
