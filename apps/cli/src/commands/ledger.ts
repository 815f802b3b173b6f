import { BerthError } from '@berth/contracts';
import { withServices } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { formatCount } from '../format.ts';
import { inspectLedger, type LedgerInspection } from '@berth/chaos';

/**
 * `berth ledger verify <run>`: proves from the ledger that every example was used exactly once.
 * @returns what it found
 * @throws BerthError `LEDGER_INVALID` when it does not hold
 */
export async function verifyRunLedger(
  context: Context,
  run: string,
  options: { readonly json: boolean },
): Promise<LedgerInspection> {
  const report = await withServices(context, (services) =>
    inspectLedger(services, run, context.logger),
  );
  if (options.json) context.print(JSON.stringify(report));
  else context.print(describe(report));
  if (!report.ok)
    throw new BerthError('LEDGER_INVALID', `${report.runId}: ${report.problems[0] ?? 'invalid'}`);
  return report;
}

function describe(report: LedgerInspection): string {
  return [
    `${report.runId}: ${report.ok ? 'every example exactly once' : 'the ledger does not hold'}`,
    `  steps       ${formatCount(report.numSteps)}`,
    `  examples    ${formatCount(report.numExamples)}`,
    `  views       ${report.attempts}`,
    `  read from   ${sourceOf(report)}`,
    `  head        ${report.head ?? 'none'}`,
    `  checkpoint  ${report.checkpointStep === null ? 'none' : `step ${report.checkpointStep}`}`,
    `  weights     ${report.weightsDigest ?? 'none'}`,
    ...(report.areEpochSizesKnown
      ? []
      : ['  epochs      the size of some is not known any more; the ledger says where they end']),
    ...report.problems.map((problem) => `  problem     ${problem}`),
  ].join('\n');
}

function sourceOf({ readFrom, checkpointStep, numStepsInRedis }: LedgerInspection): string {
  return readFrom === 'redis'
    ? 'Redis'
    : `the bucket, with checkpoint ${checkpointStep}; Redis has ${formatCount(numStepsInRedis)} of its steps`;
}
