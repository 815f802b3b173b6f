import { RunPast } from '@berth/protocol';
import { openRun } from '@berth/queue';
import { openPast, type PastOptions } from '../leading/open-past.ts';

/** A run's past over real services. */
export function pastOf(options: PastOptions, runId: string): RunPast {
  const { ledger } = openRun(options.connection, runId);
  return new RunPast({ runId, ledger, past: openPast(options, runId), logger: options.logger });
}
