import { createS3ObjectStore } from '@berth/checkpoint';
import {
  BerthError,
  type DataView,
  type Logger,
  type RunRecord,
  type Services,
} from '@berth/contracts';
import { chooseRun, noSuchRun } from '@berth/protocol';
import { connectRedis, createRuns } from '@berth/queue';
import { viewData, type LookSize } from './data-views.ts';

/**
 * A look at data.
 * @param what - a run, or the beginning of its name or of the id of its dataset that no other has
 * @throws BerthError `RUN_NOT_FOUND`; as `viewData`
 */
export async function inspectData(
  { redisUrl, s3 }: Services,
  what: string,
  look: LookSize,
  logger: Logger,
): Promise<{ readonly runId: string; readonly view: DataView }> {
  const connection = await connectRedis(redisUrl, { role: 'producer', logger });
  const store = createS3ObjectStore(s3, logger);
  try {
    const record = recordOf(await createRuns(connection).list(), what);
    return { runId: record.runId, view: await viewData(store, record, look) };
  } finally {
    connection.close();
    store.close();
  }
}

/** The run of that name, or the newest one that has the dataset: it is by a run's settings that examples are made of it. */
function recordOf(records: readonly RunRecord[], what: string): RunRecord {
  const runIds = records.map(({ runId }) => runId);
  const ofDataset = /^[0-9a-f]{8,64}$/.test(what)
    ? records.filter(({ manifestKey }) => manifestKey?.startsWith(`datasets/${what}`))
    : [];
  if (new Set(ofDataset.map(({ manifestKey }) => manifestKey)).size > 1)
    throw new BerthError('USAGE', `Several datasets begin with ${what}: write more of its id`);
  const runId =
    runIds.includes(what) || ofDataset.length === 0 ? chooseRun(runIds, what) : undefined;
  const record =
    runId === undefined
      ? ofDataset.toSorted((a, b) => b.createdAtMs - a.createdAtMs)[0]
      : records.find((one) => one.runId === runId);
  if (record === undefined) throw noSuchRun(runIds, what);
  return record;
}
