import type { LedgerEntry, MetricsLine, Services } from '@berth/contracts';
import { connectRedis, createRuns, openRun } from '@berth/queue';
import { isAbandoned } from '@berth/protocol';

/** All that a run says of its steps. */
export interface RunTrace {
  readonly entries: readonly LedgerEntry[];
  readonly steps: readonly MetricsLine[];
}

export async function readTrace({ redisUrl }: Services, runId: string): Promise<RunTrace> {
  const connection = await connectRedis(redisUrl, { role: 'producer' });
  try {
    const { ledger, metrics } = openRun(connection, runId);
    const entries = await ledger.entries(0, await ledger.numCommitted());
    const lines = await metrics.last(20_000);
    // Lines of steps that were done again are a branch's.
    const attempts = (await createRuns(connection).read(runId))?.attempts ?? [];
    const steps = lines.filter((line) => line.kind === 'step' && !isAbandoned(attempts, line));
    return { entries, steps };
  } finally {
    connection.close();
  }
}

/** Where two runs differ: in a step's facts, its sums and losses to the last bit, or what was reported of it. */
export function differences(calm: RunTrace, other: RunTrace): string[] {
  const problems: string[] = [];
  if (calm.entries.length !== other.entries.length)
    problems.push(`${other.entries.length} steps instead of ${calm.entries.length}`);
  for (const [step, { head, sums }] of calm.entries.entries()) {
    const entry = other.entries[step];
    if (entry === undefined) break;
    if (entry.head !== head) problems.push(`step ${step} has another ledger head`);
    if (JSON.stringify(entry.sums) !== JSON.stringify(sums))
      problems.push(`step ${step} has other sums`);
  }
  const losses = new Map(calm.steps.map(({ step, loss }) => [step, loss]));
  for (const { step, loss } of other.steps)
    if (loss !== losses.get(step))
      problems.push(`step ${step} has loss ${loss} instead of ${losses.get(step)}`);
  return problems;
}
