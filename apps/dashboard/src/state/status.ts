import type { CheckpointReport, RunStatus, WorkerReport } from '@berth/contracts';
import { isFinal } from '@berth/contracts/constants';
import type { IconName } from '../components/icon.tsx';

export type Tone = 'accent' | 'good' | 'warn' | 'bad' | 'calm';

/** How a state looks: an icon, a word and a colour, never the colour alone. */
export interface Look {
  readonly icon: IconName;
  readonly word: string;
  readonly tone: Tone;
  /** True for what is under way: its icon moves. */
  readonly isBusy?: boolean;
}

export const runLooks: Readonly<Record<RunStatus, Look>> = {
  queued: { icon: 'clock', word: 'Queued', tone: 'calm' },
  preparing: { icon: 'spinner', word: 'Preparing', tone: 'accent', isBusy: true },
  starting: { icon: 'spinner', word: 'Starting', tone: 'accent', isBusy: true },
  running: { icon: 'pulse', word: 'Running', tone: 'accent', isBusy: true },
  degraded: { icon: 'warning', word: 'Degraded', tone: 'warn' },
  recovering: { icon: 'spinner', word: 'Recovering', tone: 'warn', isBusy: true },
  pausing: { icon: 'spinner', word: 'Pausing', tone: 'calm', isBusy: true },
  paused: { icon: 'pause', word: 'Paused', tone: 'calm' },
  stopping: { icon: 'spinner', word: 'Stopping', tone: 'calm', isBusy: true },
  stopped: { icon: 'stop', word: 'Stopped', tone: 'calm' },
  completed: { icon: 'check', word: 'Completed', tone: 'good' },
  failed: { icon: 'cross', word: 'Failed', tone: 'bad' },
};

export const workerLooks: Readonly<Record<WorkerReport['state'], Look>> = {
  idle: { icon: 'clock', word: 'Idle', tone: 'calm' },
  syncing: { icon: 'spinner', word: 'Syncing', tone: 'accent', isBusy: true },
  active: { icon: 'pulse', word: 'Active', tone: 'good' },
  straggling: { icon: 'warning', word: 'Straggling', tone: 'warn' },
  draining: { icon: 'spinner', word: 'Draining', tone: 'calm', isBusy: true },
  refused: { icon: 'cross', word: 'Refused', tone: 'bad' },
  stale: { icon: 'warning', word: 'Stale', tone: 'warn' },
  lost: { icon: 'cross', word: 'Lost', tone: 'bad' },
};

export const validityLooks: Readonly<Record<CheckpointReport['validity'], Look>> = {
  complete: { icon: 'check', word: 'Complete', tone: 'good' },
  incomplete: { icon: 'warning', word: 'Incomplete', tone: 'warn' },
  corrupt: { icon: 'cross', word: 'Corrupt', tone: 'bad' },
};

/** True while something is expected to happen without anyone asking. */
export function isUnderWay(status: RunStatus): boolean {
  return !isFinal(status);
}
