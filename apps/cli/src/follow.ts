import { setTimeout as sleep } from 'node:timers/promises';
import { errorFromWire, isFinal, type RunStatusReport } from '@berth/contracts';
import type { CoordinatorClient } from './coordinator-client.ts';
import { Progress } from './progress.ts';

export interface FollowOptions {
  readonly stream: NodeJS.WriteStream;
  /** Ends the watching, not the run. */
  readonly signal: AbortSignal;
  /** Told of every report, for those who want more than the line. */
  readonly onReport?: (report: RunStatusReport) => void;
}

const pollMs = 400;

/**
 * Watches a run until it ends or the signal fires.
 * @returns the last report
 * @throws the run's own error when it failed
 */
export async function follow(
  client: CoordinatorClient,
  runId: string,
  options: FollowOptions,
): Promise<RunStatusReport> {
  const progress = new Progress(options.stream);
  try {
    for (;;) {
      const report = await client.status(runId);
      options.onReport?.(report);
      progress.show(report, performance.now());
      if (isFinal(report.run.status)) {
        progress.end();
        if (report.run.error !== null) throw errorFromWire(report.run.error);
        return report;
      }
      if (options.signal.aborted) return report;
      await sleep(pollMs, undefined, { signal: options.signal }).catch(() => undefined);
    }
  } finally {
    progress.end();
  }
}
