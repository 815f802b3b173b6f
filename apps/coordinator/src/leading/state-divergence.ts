import { isComplete, listCheckpoints } from '@berth/checkpoint';
import type { Logger, ObjectStore, RunRecord, WireError } from '@berth/contracts';
import { openRun, type RedisConnection } from '@berth/queue';
import { goBack, oddOf, type RunChange } from '@berth/protocol';

export interface DivergenceOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly logger: Logger;
}

/** What members found, and where the run is. */
export interface FoundDamage {
  readonly diverged: WireError;
  readonly reason: string;
  readonly numCommitted: number;
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

/** Takes a run back to its newest checkpoint: all of those were made of equal states. */
export async function changeToGoBack(
  { store }: Pick<DivergenceOptions, 'store'>,
  record: RunRecord,
  { numCommitted, reason }: Omit<FoundDamage, 'diverged'>,
): Promise<{ readonly change: RunChange; readonly toStep: number }> {
  const toStep = await newestCompleteStep(store, record, numCommitted);
  return { change: goBack(record, { nowMs: Date.now(), numCommitted, toStep, reason }), toStep };
}

async function newestCompleteStep(
  store: ObjectStore,
  { runId, attempts }: RunRecord,
  maxStep: number,
): Promise<number> {
  const listed = await listCheckpoints(store, runId, attempts);
  for (const { step, manifestKey } of listed.reverse())
    if (step <= maxStep && (await isComplete(store, manifestKey))) return step;
  return 0;
}
