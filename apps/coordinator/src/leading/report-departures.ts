import type { Logger, View } from '@berth/contracts';
import type { LogStream } from '@berth/queue';
import type { LiveMember } from '@berth/protocol';
import { whyWithout } from '../reports/why-without.ts';

export interface ViewChange {
  readonly before: View | undefined;
  readonly view: View;
  readonly live: readonly LiveMember[];
}

const numLastLines = 5;

/**
 * Logs each member that a new view is without: at `info` one that left in order, else at `warn` with why and with the
 * last lines it logged. Does not reject.
 */
export async function reportDepartures(
  { before, view, live }: ViewChange,
  logs: LogStream,
  logger: Logger,
): Promise<void> {
  const remaining = new Set(view.members.map(({ memberId }) => memberId));
  const leaving = new Set(
    live.filter(({ state }) => state === 'draining').map(({ memberId }) => memberId),
  );
  const step = view.fromStep;
  for (const { memberId } of before?.members ?? []) {
    if (remaining.has(memberId)) continue;
    if (leaving.has(memberId)) {
      logger.info(`${memberId} has left the run`, { worker: memberId, step });
      continue;
    }
    const lines = await logs.lastLinesOf(memberId, numLastLines).catch(() => []);
    logger.warn(`The run goes on without ${memberId}: ${whyWithout(memberId, view.reason)}`, {
      worker: memberId,
      step,
      lastLines: lines.map(({ level, message }) => `${level}: ${message}`),
    });
  }
}
