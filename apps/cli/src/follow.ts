import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorFromWire,
  isFinal,
  pendingExport,
  toBerthError,
  type DatasetReport,
  type RunStatusReport,
} from '@berth/contracts';
import type { CoordinatorClient } from '@berth/launch';
import { harmless } from './context.ts';
import { datasetLines } from './dataset-lines.ts';
import { Progress } from './progress.ts';

export interface FollowOptions {
  readonly stream: NodeJS.WriteStream;
  /** Ends the watching, not the run. */
  readonly signal: AbortSignal;
  /** Told of every report, for those who want more than the line. */
  readonly onReport?: (report: RunStatusReport) => void;
}

const pollMs = 400;
/** A coordinator that was killed is back in seconds, and Redis with it. */
const outageTimeoutMs = 60_000;

/**
 * Watches a run until it ends and its model is where it was to go, or the signal fires.
 * @returns the last report
 * @throws the run's own error when it failed; `COORDINATOR_UNREACHABLE` and the like when nobody answers for a minute
 */
export async function follow(
  client: CoordinatorClient,
  runId: string,
  options: FollowOptions,
): Promise<RunStatusReport> {
  const progress = new Progress(options.stream);
  const patiently = outlastOutages();
  try {
    let last: RunStatusReport | undefined;
    let isDataTold = false;
    let isExportTold = false;
    let trouble: string | undefined;
    for (;;) {
      const report = await patiently(() => client.status(runId));
      if (report !== undefined) {
        last = report;
        options.onReport?.(report);
        if (report.dataset !== undefined && !isDataTold) {
          isDataTold = true;
          progress.end();
          options.stream.write(`${datasetLines(withoutLeftOut(report.dataset))}\n`);
        }
        if (
          !isFinal(report.run.status) &&
          withoutNumbers(report.trouble) !== withoutNumbers(trouble)
        ) {
          trouble = report.trouble;
          progress.end();
          options.stream.write(
            `${trouble === undefined ? 'the trouble is over' : `warning: ${harmless(trouble)}`}\n`,
          );
        }
        progress.show(report, performance.now());
        const isExporting = pendingExport(report.run) !== undefined;
        if (isExporting && !isExportTold) {
          isExportTold = true;
          progress.end();
          options.stream.write(`exporting to ${harmless(report.run.config.export?.to ?? '')}\n`);
        }
        if (isFinal(report.run.status) && !isExporting) {
          progress.end();
          if (report.run.error !== null) throw errorFromWire(report.run.error);
          return report;
        }
      }
      if (options.signal.aborted && last !== undefined) return last;
      await sleep(pollMs, undefined, { signal: options.signal }).catch(() => undefined);
    }
  } finally {
    progress.end();
  }
}

/**
 * Asks, and answers nothing where nobody does for less than a minute.
 * @throws what was thrown, once it lasts longer or will not pass
 */
export function outlastOutages(): <T>(ask: () => Promise<T>) => Promise<T | undefined> {
  let answeredMs = -Infinity;
  return async (ask) => {
    try {
      const answer = await ask();
      answeredMs = performance.now();
      return answer;
    } catch (error) {
      if (performance.now() - answeredMs < outageTimeoutMs && passes(error)) return undefined;
      throw error;
    }
  };
}

/** Who starts a run is told before what its corpus leaves out, as it is then. */
function withoutLeftOut({ summary, findings }: DatasetReport): DatasetReport {
  return { summary, findings: findings.filter(({ code }) => code !== 'left-out') };
}

/** A message that differs in nothing else is no news. */
function withoutNumbers(text: string | undefined): string | undefined {
  return text?.replaceAll(/\d+(\.\d+)?( [kMGT]?B)?/g, '');
}

/** True for what heals by itself: also a run that is missing while it comes back after Redis has lost its data. */
function passes(error: unknown): boolean {
  const { code, policy } = toBerthError(error);
  return policy.retry || code === 'RUN_NOT_FOUND';
}
