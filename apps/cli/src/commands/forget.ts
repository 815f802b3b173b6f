import { createReadStream } from 'node:fs';
import { BerthError } from '@berth/contracts';
import type { ForgetReport } from '@berth/coordinator/forget-run';
import { findCoordinator, withCluster, withServices } from '../cluster-access.ts';
import { confirms } from '../confirms.ts';
import type { Context } from '../context.ts';
import { formatCount, plural } from '../format.ts';
import { linesOf } from '../lines-of.ts';
import { findRun, withRuns } from '../runs.ts';
import { watch } from './train.ts';

export interface ForgetOptions {
  /** A file with a name or hash a line. */
  readonly match?: string;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly workers?: number;
  readonly json: boolean;
}

/** Documents that are told by name. */
const maxNamed = 10;

/**
 * `berth forget`: takes documents out of the data of a run and, where it has trained on them, has the run do again what came after
 * the last checkpoint before.
 * @throws BerthError `USAGE` when no document is named; and as `forgetInRun`
 */
export async function forget(
  context: Context,
  run: string,
  documents: readonly string[],
  { match, dryRun, yes, workers, json }: ForgetOptions,
): Promise<void> {
  const wanted = new Set(documents);
  if (match !== undefined) for (const name of await namesIn(match)) wanted.add(name);
  if (wanted.size === 0)
    throw new BerthError(
      'USAGE',
      `Say which documents: by name or hash, or --match with a file that has one a line`,
    );
  const { forgetInRun } = await import('@berth/coordinator/forget-run');
  const isAtRest = findCoordinator(context) === undefined;
  const ask = (isDryRun: boolean): Promise<ForgetReport> =>
    withServices(context, (services) =>
      forgetInRun(services, run, wanted, {
        logger: context.logger,
        isDryRun,
        isAtRest,
        say: context.say,
      }),
    );
  const planned = await ask(true);
  context.say(describe(planned));
  if (dryRun) {
    if (json) context.print(JSON.stringify(planned));
    return;
  }
  const question =
    planned.toStep === null
      ? `Forget ${plural(planned.documents.length, 'document')} in ${planned.runId}? [y/N] `
      : `Forget ${plural(planned.documents.length, 'document')} in ${planned.runId}, and train ${plural(planned.numStepsToRepeat, 'step')} again? [y/N] `;
  if (!yes && !(await confirms(question))) {
    context.say('nothing was done');
    return;
  }
  const report = await ask(false);
  const { runId } = report;
  if (report.toStep === null) {
    context.print(json ? JSON.stringify(report) : `${runId} ${report.reason}`);
    return;
  }
  context.say(`${runId} ${report.reason}`);
  const { config } = await withRuns(context, async (runs) => {
    return (await runs.status(await findRun(runs, runId))).run;
  });
  const { numThreads } = config.cluster;
  const numWorkers = workers ?? config.cluster.numWorkers;
  await withCluster(context, { numWorkers, numThreads, ownRun: runId }, async (client, own) => {
    await watch(context, client, own, { runId, json });
  });
}

/** Names or hashes, one a line; blank lines do not count. */
async function namesIn(file: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const line of linesOf(createReadStream(file), file))
      if (line.trim() !== '') names.push(line);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code === 'MODEL_INPUT_INVALID')
      throw error;
    throw new BerthError('DATA_INPUT_NOT_FOUND', `${file} cannot be read: ${error.message}`, {
      cause: error,
    });
  }
  return names;
}

function describe(report: ForgetReport): string {
  const { runId, documents, firstUse, toStep, numStepsToRepeat, datasetIdBefore, otherRuns } =
    report;
  const numTokens = documents.reduce((sum, document) => sum + document.numTokens, 0);
  const numHeldOut = documents.filter(({ split }) => split === 'heldOut').length;
  const named = documents
    .slice(0, maxNamed)
    .map(({ name, hash, split, shard, numTokens: size }) => {
      const place = split === 'train' ? `shard ${shard}` : 'held out';
      return `  ${hash}  ${name ?? 'no name'}: ${plural(size, 'token')}, ${place}`;
    });
  const rest = documents.length - named.length;
  return [
    `${runId} forgets ${plural(documents.length, 'document')}, ${plural(numTokens, 'token')}` +
      (numHeldOut > 0 ? `, ${formatCount(numHeldOut)} of them held out` : ''),
    ...named,
    ...(rest > 0 ? [`  and ${formatCount(rest)} more`] : []),
    firstUse === null
      ? '  first use      none: the run has not trained on them'
      : `  first use      step ${formatCount(firstUse)}`,
    ...(toStep === null
      ? []
      : [
          `  goes back to   ${toStep === 0 ? 'the beginning' : `the checkpoint of step ${formatCount(toStep)}`}`,
          `  to repeat      ${plural(numStepsToRepeat, 'step')}`,
        ]),
    `  dataset        ${report.datasetId.slice(0, 12)} instead of ${datasetIdBefore.slice(0, 12)}`,
    ...otherRuns.map(
      (other) => `  also known to  ${other}, which is another run: forget them there too`,
    ),
  ].join('\n');
}
