import { changedSettings, type DatasetJob, type RunRecord } from '@berth/contracts';

/**
 * The labelled data that another run of the same grid has: this one is to learn from the same, and no row has to be read again while
 * the files are as they were. Undefined where no other has any, or its settings make other data of the rows.
 */
export function dataOfGrid(
  { runId, grid, config }: RunRecord,
  runs: readonly RunRecord[],
): DatasetJob['known'] {
  if (grid === undefined || config.task === undefined) return undefined;
  const found = runs.find(
    (other) =>
      other.runId !== runId &&
      other.grid?.name === grid.name &&
      other.labelledData !== undefined &&
      other.requests.submission === null &&
      changedSettings(other.config, config, ['data', 'examples', 'content']).every(
        ({ path }) => path === 'seed',
      ),
  );
  if (found?.manifestKey == null) return undefined;
  return { manifestKey: found.manifestKey, isTrainedOn: true };
}
