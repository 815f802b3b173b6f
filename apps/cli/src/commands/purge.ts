import type { Purge } from '@berth/coordinator/purge-forgotten';
import { withServices } from '../cluster-access.ts';
import { confirms } from '../confirms.ts';
import type { Context } from '../context.ts';
import { formatBytes, formatTable } from '../format.ts';

export interface PurgeOptions {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

/**
 * `berth forget RUN --purge`: deletes what still holds the documents that a run has forgotten.
 * @throws BerthError `USAGE` when nobody can be asked; as `purgeForgotten`
 */
export async function purge(
  context: Context,
  run: string,
  { dryRun, yes, json }: PurgeOptions,
): Promise<void> {
  const { purgeForgotten } = await import('@berth/coordinator/purge-forgotten');
  const ask = (isDryRun: boolean): Promise<Purge> =>
    withServices(context, (services) =>
      purgeForgotten(services, run, { isDryRun, logger: context.logger }),
    );
  const found = await ask(true);
  context.say(describe(found));
  const isNothing = found.parts.length === 0;
  if (!dryRun && !isNothing) {
    if (!yes && !(await confirms(`Delete this for good? [y/N] `))) {
      context.say('nothing was done');
      return;
    }
    await ask(false);
  }
  if (json) context.print(JSON.stringify({ ...found, isDone: !dryRun }));
  else if (!dryRun && !isNothing) context.print('deleted');
}

function describe({ runId, parts, kept }: Purge): string {
  const rows = parts.map(({ name, numObjects, sizeBytes }) => [
    `  ${name}`,
    numObjects,
    formatBytes(sizeBytes),
  ]);
  return [
    parts.length === 0
      ? `${runId}: the bucket holds nothing that it has forgotten`
      : `${runId} has forgotten documents that these still hold:`,
    ...(rows.length === 0 ? [] : [formatTable(rows)]),
    ...kept.map((what) => `  stays: ${what}`),
  ].join('\n');
}
