import { createS3ObjectStore, findSweepableParts } from '@berth/checkpoint';
import type { Logger, Services } from '@berth/contracts';

/** What a run that is over has left in the bucket and should have swept, for people. */
export async function leftoversOf(
  { s3 }: Services,
  runId: string,
  logger: Logger,
): Promise<string[]> {
  const store = createS3ObjectStore(s3, logger);
  try {
    const parts = await findSweepableParts(store, runId);
    return parts.map(({ key }) => `no manifest names ${key}`);
  } finally {
    store.close();
  }
}
