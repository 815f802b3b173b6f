import { BerthError, type RunRecord } from '@berth/contracts';
import type { CheckpointSaverOptions } from './saver-options.ts';

/** The attempt that a record's newest member belongs to. */
export function attemptOf({ attempts }: Pick<RunRecord, 'attempts'>): number {
  return attempts.at(-1)?.attempt ?? 1;
}

/**
 * The run's record, while its attempt is ours: a later one may have cut off what we would save.
 * @throws BerthError `WORKER_FENCED` when another attempt has begun
 */
export async function currentAttempt({
  record,
  currentRecord,
}: CheckpointSaverOptions): Promise<RunRecord | undefined> {
  const now = await currentRecord();
  const [ours, current] = [record, now].map((known) => known?.attempts.at(-1)?.attempt);
  if (now === undefined || ours === current) return now;
  throw new BerthError(
    'WORKER_FENCED',
    `Attempt ${current} of run "${record.runId}" has begun; attempt ${ours} saves nothing more`,
  );
}
