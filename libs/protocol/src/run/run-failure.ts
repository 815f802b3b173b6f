import { type ErrorCode, type WireError } from '@berth/contracts';
import { isOwnError, type MadeComplaint } from './complaints.ts';
import type { RunMemory, RunRules, RunSnapshot } from './run-state.ts';
import { wireError } from '../member/wire-error.ts';

/** Whichever member meets one of these, all would: what they were told to do cannot be done. */
const ofTheRun: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CONFIG_INVALID',
  'CONFIG_UNKNOWN_KEY',
  'CONFIG_NOT_FOUND',
  'DATA_CORPUS_NOT_FOUND',
  'DATA_CORPUS_EMPTY',
  'DATA_CORPUS_INVALID',
  'DATA_VOCABULARY_INVALID',
  'DATA_VOCABULARY_TOO_LARGE',
  'DATA_MISMATCH',
  'CHECKPOINT_MISMATCH',
  'LEDGER_DIVERGED',
  'LEDGER_INVALID',
  'NUMERICS_NOT_FINITE',
]);

/**
 * Errors that no other view can cure end the run: those that concern all, those that most members have each, and too many
 * attempts of the same workers at one step.
 */
export function failureFrom(
  complaints: readonly MadeComplaint[],
  { attempts }: RunMemory,
  { view }: RunSnapshot,
  { maxAttemptsPerStep }: RunRules,
): WireError | undefined {
  const errors = complaints.map(({ complaint }) => complaint.error);
  const final = errors.find(({ code }) => ofTheRun.has(code));
  if (final !== undefined) return final;
  const failed = complaints.filter(isOwnError);
  const numMembers = view?.members.length ?? 0;
  if (2 * failed.length > numMembers) return shared(failed, numMembers);
  const last = (failed[0]?.complaint.error ?? errors[0])?.message;
  const { fromStep, count, workers } = attempts;
  if (last === undefined || count < maxAttemptsPerStep) return undefined;
  const message = `Step ${fromStep} failed ${count} times with ${workers}; last: ${last}`;
  return wireError('RUN_FAILED', message);
}

/** Without a member, the run ends with the reason why most could not open it, if that will not pass. */
export function refusalToOpen(
  { runId, live }: RunSnapshot,
  numWanted: number,
): WireError | undefined {
  const here = live.filter((member) => member.runId === runId);
  const refusals = here.flatMap(({ memberId, state, complaint }) =>
    state === 'syncing' && complaint !== null ? { memberId, complaint } : [],
  );
  const errors = refusals.map(({ complaint }) => complaint.error);
  const final = errors.find(({ code }) => ofTheRun.has(code));
  if (final !== undefined) return final;
  const refused = refusals.filter(isOwnError);
  const numMembers = Math.max(here.length, numWanted);
  return 2 * refused.length > numMembers ? shared(refused, numMembers) : undefined;
}

/** The error of most members, naming whose it is. */
function shared(failed: readonly MadeComplaint[], numMembers: number): WireError | undefined {
  const [first] = failed;
  if (first === undefined) return undefined;
  const { error } = first.complaint;
  const { memberId } = first;
  const who =
    numMembers === 1 ? memberId : `${failed.length} of ${numMembers} workers; ${memberId}`;
  return { ...error, message: `${who}: ${error.message}` };
}
