import type { ChaosReport } from '@berth/chaos';
import { berth } from './berth-process.ts';

export interface ChaosArguments {
  readonly seeds: readonly number[];
  /** `worker-kill=20` */
  readonly faults: readonly string[];
  /** `train.numSteps=60` */
  readonly settings: readonly string[];
  readonly more?: readonly string[];
  readonly timeoutMs?: number;
}

/** Runs `berth chaos` and gives its report, also when the result is not the same. */
export async function chaosReport(
  folder: string,
  { seeds, faults, settings, more = [], timeoutMs = 1_500_000 }: ChaosArguments,
): Promise<ChaosReport> {
  const args = [
    'chaos',
    '--json',
    '--seed',
    seeds.join(','),
    ...more,
    ...faults.flatMap((fault) => ['--fault', fault]),
    ...settings.flatMap((setting) => ['--set', setting]),
  ];
  // It leaves what its processes logged where the system has its temporary files.
  const { stdout, stderr } = await berth(args, { folder, timeoutMs, env: { TMPDIR: folder } });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as ChaosReport;
}
