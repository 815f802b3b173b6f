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
    ...engineLines(report),
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

const maxSpans = 12;

/** What started the workers that computed which steps, which people count from 1. */
function engineLines({ engines: spans }: LedgerInspection): string[] {
  const lines = spans.slice(0, maxSpans).map(({ fromStep, toStep, engines }) => {
    const first = formatCount(fromStep + 1);
    const isOne = toStep === fromStep + 1;
    const steps = isOne ? `step ${first}` : `steps ${first}-${formatCount(toStep)}`;
    return `${engines.join(' and ')}, ${steps}`;
  });
  const numMore = spans.length - lines.length;
  if (numMore > 0) lines.push(`${formatCount(numMore)} more changes; --json has all`);
  return lines.map((line, index) => `  ${(index === 0 ? 'engines' : '').padEnd(12)}${line}`);
}

function sourceOf({ readFrom, checkpointStep, numStepsInRedis }: LedgerInspection): string {
  return readFrom === 'redis'
    ? 'Redis'
    : `the bucket, with checkpoint ${checkpointStep}; Redis has ${formatCount(numStepsInRedis)} of its steps`;
}
