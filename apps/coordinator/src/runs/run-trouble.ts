import { isFinal, type MemberInfo, type RunRecord } from '@berth/contracts';
import type { Health } from '../reports/health.ts';

export interface TroubleSnapshot {
  readonly run: RunRecord;
  /** The newest checkpoint; null before the first. */
  readonly checkpointStep: number | null;
  readonly members: readonly MemberInfo[];
  /** Undefined when nobody has asked. */
  readonly redis: Health | undefined;
}

/** Saving may fail for a moment; not so for want of space. */
const passingFailures = 1;
const lateIntervals = 3;

/**
 * What keeps a run from going on as it should though nothing is lost and it is tried again and again: one line for people, or
 * undefined. Pure.
 */
export function troubleOf(snapshot: TroubleSnapshot): string | undefined {
  const { run, redis, members } = snapshot;
  if (isFinal(run.status) || run.status === 'paused' || run.status === 'queued') return undefined;
  if (redis?.isOk === false) return redis.detail;
  const worst = members
    .flatMap(({ memberId, troubles = [] }) => troubles.map((one) => ({ memberId, ...one })))
    .filter(({ error, numFailed }) => isFull(error.code) || numFailed > passingFailures)
    .sort((a, b) => Number(isFull(b.error.code)) - Number(isFull(a.error.code)))[0];
  if (worst === undefined) return lateCheckpoint(snapshot);
  const { memberId, doing, error } = worst;
  const saved =
    doing === 'saving a checkpoint' ? `${savedText(snapshot)}${spooledText(members)}; ` : '';
  return `${saved}${doing} fails (${memberId}) and is tried again: ${error.message}`;
}

function isFull(code: string): boolean {
  return code === 'STORE_FULL' || code === 'DISK_FULL';
}

function lateCheckpoint(snapshot: TroubleSnapshot): string | undefined {
  const { runId, config } = snapshot.run;
  const { checkpointEverySteps } = config.train;
  // Who comes from another run still tells of the steps of that one.
  const own = snapshot.members.filter((member) => member.runId === runId);
  // Steps that are made again have been saved as far as they ever were.
  const reached = Math.max(0, ...own.map(({ step }) => step));
  const numUnsaved = reached - (snapshot.checkpointStep ?? 0);
  if (numUnsaved <= lateIntervals * checkpointEverySteps) return undefined;
  return `${savedText(snapshot)}, more than ${lateIntervals} intervals of ${checkpointEverySteps} steps ago: saving cannot keep up, or fails`;
}

/** Which state waits on a disk for the bucket, if one does. */
function spooledText(members: readonly MemberInfo[]): string {
  const [spooled] = members.flatMap(({ memberId, saving }) =>
    saving?.spooledStep === undefined ? [] : [{ memberId, step: saving.spooledStep }],
  );
  if (spooled === undefined) return '';
  return `, step ${spooled.step} is on the disk of ${spooled.memberId} until the bucket takes it`;
}

function savedText({ checkpointStep }: TroubleSnapshot): string {
  return checkpointStep === null
    ? 'there is no checkpoint yet'
    : `the newest checkpoint is of step ${checkpointStep}`;
}
