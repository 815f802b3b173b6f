import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthError } from '@berth/contracts';
import {
  faultCounts,
  chaosConfigFile,
  type FaultReport,
  noFaults,
  type FaultCounts,
  runChaos,
  type ChaosReport,
  describeKind,
  summarizeFaults,
} from '@berth/chaos';
import type { Context } from '../context.ts';
import { formatDuration, loadConfig } from '@berth/launch';

export interface ChaosCommandOptions {
  readonly config?: string;
  /** `1` or `1,2,3` */
  readonly seed: string;
  readonly set: readonly string[];
  /** `worker-kill=20`, one each. */
  readonly fault: readonly string[];
  /** `2,3,8` */
  readonly sizes: string;
  readonly pauseSeconds: number;
  readonly redisOutageSeconds: number;
  readonly outageSeconds: number;
  readonly stallSeconds: number;
  readonly timeoutMinutes: number;
  readonly json: boolean;
}

const defaultCounts: FaultCounts = {
  ...noFaults,
  'worker-kill': 4,
  'worker-pause': 1,
  'coordinator-kill': 1,
  'redis-kill': 1,
  'redis-flush': 1,
  'store-outage': 1,
};

/**
 * `berth chaos`: trains a run undisturbed and through faults, and compares the weights.
 * @throws BerthError `LEDGER_DIVERGED` when they differ or an example was lost or used twice; `RUN_FAILED` when the run
 * was over before all its faults
 */
export async function chaos(context: Context, options: ChaosCommandOptions): Promise<void> {
  const report = await runChaos({
    config: loadConfig(options.config ?? chaosConfigFile, options.set).config,
    seeds: wholeNumbers('--seed', options.seed),
    counts: options.fault.length === 0 ? defaultCounts : faultCounts(options.fault),
    sizes: options.sizes === '' ? [] : wholeNumbers('--sizes', options.sizes),
    times: {
      pauseMs: options.pauseSeconds * 1000,
      redisOutageMs: options.redisOutageSeconds * 1000,
      storeOutageMs: options.outageSeconds * 1000,
      storeStallMs: options.stallSeconds * 1000,
    },
    timeoutMs: options.timeoutMinutes * 60_000,
    folder: mkdtempSync(join(tmpdir(), 'berth-chaos-')),
    logger: context.logger,
    say: context.say,
  });
  const kinds = summarizeFaults(allFaults(report));
  context.print(options.json ? JSON.stringify({ ...report, kinds }) : describe(report));
  if (!report.isSame)
    throw new BerthError(
      'LEDGER_DIVERGED',
      `Chaos with seed ${options.seed} changed the result: ${report.problems.join('; ')}`,
    );
  if (report.problems.length > 0)
    throw new BerthError('RUN_FAILED', `Chaos proved too little: ${report.problems.join('; ')}`);
}

function wholeNumbers(option: string, text: string): number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.every((number) => Number.isInteger(number) && number > 0)) return numbers;
  throw new BerthError(
    'USAGE',
    `${option} ${text}: write one or more whole numbers, such as 2,3,8`,
  );
}

function allFaults({ disturbed }: ChaosReport): FaultReport[] {
  return disturbed.flatMap(({ faults }) => faults);
}

function describe(report: ChaosReport): string {
  const run = (name: string, digest: string | null, durationMs: number): string =>
    `  ${name.padEnd(17)} ${digest}  ${formatDuration(durationMs)}`;
  const seeds = report.disturbed.map(({ seed }) => seed).join(', ');
  return [
    `seed ${seeds}: ${report.isSame ? 'same model, to the bit' : 'NOT THE SAME'}`,
    ...report.undisturbed.map(({ numWorkers, weightsDigest, durationMs }) =>
      run(numWorkers === 1 ? '1 worker' : `${numWorkers} workers`, weightsDigest, durationMs),
    ),
    ...report.disturbed.flatMap(({ seed, ledger, durationMs }) => [
      run(`faults of seed ${seed}`, ledger.weightsDigest, durationMs),
      `  ${'ledger'.padEnd(18)}${ledger.numSteps} steps, ${ledger.numExamples} examples, ${ledger.attempts} views; ` +
        (ledger.ok ? '0 lost, 0 double' : ledger.problems.join('; ')),
    ]),
    ...summarizeFaults(allFaults(report)).map((kind) => `  ${describeKind(kind)}`),
    `  ${'logs'.padEnd(18)}${report.folder}`,
    ...report.problems.map((problem) => `  ${'problem'.padEnd(18)}${problem}`),
  ].join('\n');
}
