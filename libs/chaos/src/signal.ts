import type { ClusterProcess } from '@berth/launch';

/** A process that has died by itself meanwhile needs no signal. */
export function signal({ pid }: ClusterProcess, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
