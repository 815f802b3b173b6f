import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BerthError } from '@berth/contracts';
import { faultKinds, type FaultCounts, type FaultKind } from '../chaos/plan.ts';
import { runChaos, type ChaosReport, type DoneFault } from '../chaos/run-chaos.ts';
import type { Context } from '../context.ts';
import { formatDuration } from '../format.ts';
import { loadConfig } from '../load-config.ts';

const configFile = fileURLToPath(new URL('../../../../configs/chaos.yaml', import.meta.url));

export interface ChaosCommandOptions {
  readonly config?: string;
  readonly seed: number;
  readonly set: readonly string[];
  /** `worker-kill=20`, one each. */
  readonly fault: readonly string[];
  readonly outageSeconds: number;
  readonly timeoutMinutes: number;
  readonly json: boolean;
}

const defaultCounts: FaultCounts = {
  'worker-kill': 4,
  'worker-pause': 1,
  'coordinator-kill': 1,
  'redis-kill': 1,
  'redis-flush': 1,
  'store-outage': 1,
};

/**
 * `berth chaos`: trains a run undisturbed and through faults, and compares the weights.
 * @throws BerthError `LEDGER_DIVERGED` when they differ or an example was lost or used twice
 */
export async function chaos(context: Context, options: ChaosCommandOptions): Promise<void> {
  const report = await runChaos({
    config: loadConfig(options.config ?? configFile, options.set).config,
    seed: options.seed,
    counts: countsFrom(options.fault),
    storeOutageMs: options.outageSeconds * 1000,
    timeoutMs: options.timeoutMinutes * 60_000,
    folder: mkdtempSync(join(tmpdir(), 'berth-chaos-')),
    logger: context.logger,
    say: context.say,
  });
  context.print(options.json ? JSON.stringify(report) : describe(report));
  if (!report.isSame)
    throw new BerthError('LEDGER_DIVERGED', `Chaos with seed ${report.seed} changed the result`);
}

/** What is asked for, and nothing else; the defaults when nothing is. */
function countsFrom(faults: readonly string[]): FaultCounts {
  if (faults.length === 0) return defaultCounts;
  const none = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  for (const text of faults) {
    const [kind, count = '1'] = text.split('=');
    if (!faultKinds.some((known) => known === kind) || !/^\d+$/.test(count))
      throw new BerthError(
        'USAGE',
        `--fault ${text}: write kind=count, the kind one of ${faultKinds.join(', ')}`,
      );
    none[kind as FaultKind] = Number(count);
  }
  return none;
}

function describe(report: ChaosReport): string {
  const { calm, disturbed } = report;
  const lines = faultKinds.flatMap((kind) => {
    const faults = report.faults.filter((fault) => fault.kind === kind);
    return faults.length === 0 ? [] : [`  ${kind.padEnd(18)}${recovery(faults)}`];
  });
  return [
    `seed ${report.seed}: ${report.isSame ? 'same model, to the bit' : 'THE MODELS DIFFER'}`,
    `  undisturbed       ${calm.weightsDigest}  ${formatDuration(report.calmMs)}`,
    `  disturbed         ${disturbed.weightsDigest}  ${formatDuration(report.disturbedMs)}`,
    `  ledger            ${disturbed.numSteps} steps, ${disturbed.numExamples} examples, ${disturbed.attempts} views; ` +
      (disturbed.ok ? '0 lost, 0 double' : disturbed.problems.join('; ')),
    ...lines,
  ].join('\n');
}

/** `4 times, next commit after 1.2 s (median), 3.0 s (longest)` */
function recovery(faults: readonly DoneFault[]): string {
  const times = faults.flatMap(({ recoveredMs }) => recoveredMs ?? []).sort((a, b) => a - b);
  const seconds = (ms: number | undefined): string =>
    ms === undefined ? 'not seen' : `${(ms / 1000).toFixed(1)} s`;
  const median = times[Math.floor(times.length / 2)];
  return `${faults.length} times, next commit after ${seconds(median)} (median), ${seconds(times.at(-1))} (longest)`;
}
