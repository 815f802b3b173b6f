import type { Logger, RunRecord, WireError } from '@berth/contracts';
import { openRun, type RedisConnection } from '@berth/queue';
import { oddOf } from '@berth/protocol';

export interface DivergenceOptions {
  readonly connection: RedisConnection;
  readonly logger: Logger;
}

/** Tells people that members were found to hold different states, and what follows: in the log and in the run's history. */
export async function reportDivergence(
  { connection, logger }: DivergenceOptions,
  { runId, attempts }: RunRecord,
  { message, details }: WireError,
  follows: string,
): Promise<void> {
  const odd = oddOf({ details });
  const who = odd.length > 0 ? `${odd.join(', ')} has a damaged state` : 'A state is damaged';
  logger.warn(`${who}: the run ${follows}`, { ...details, reason: message });
  await openRun(connection, runId).chronicle.mark({
    kind: 'diverged',
    attempt: attempts.at(-1)?.attempt ?? 1,
    step: Number(details['step'] ?? 0),
    timeMs: Date.now(),
    text: `${who}, the run ${follows}: ${message}`,
  });
}
