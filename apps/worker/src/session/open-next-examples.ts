import { setTimeout as sleep } from 'node:timers/promises';
import type { ExampleSource, LedgerPort } from '@berth/training';

const patienceMs = 5_000;

/**
 * Opens the shards that the run's next step reads, as the others would otherwise wait for that when this worker joins.
 * What goes wrong, or takes long, the step itself will meet again.
 */
export async function openNextExamples(ledger: LedgerPort, source: ExampleSource): Promise<void> {
  const opening = async (): Promise<void> => {
    const numCommitted = await ledger.numCommitted();
    const last = numCommitted > 0 ? await ledger.entry(numCommitted - 1) : undefined;
    await source.at(last?.to ?? { epoch: 0, index: 0 }, numCommitted);
  };
  const late = new AbortController();
  await Promise.race([
    opening().catch(() => undefined),
    sleep(patienceMs, undefined, { signal: late.signal }).catch(() => undefined),
  ]);
  late.abort();
}
