import type { ChaosReport } from '../chaos/run-chaos.ts';
import { berth } from './berth-process.ts';

export interface ChaosArguments {
  readonly seed: number;
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
  { seed, faults, settings, more = [], timeoutMs = 420_000 }: ChaosArguments,
): Promise<ChaosReport> {
  const args = [
    'chaos',
    '--json',
    '--seed',
    String(seed),
    ...more,
    ...faults.flatMap((fault) => ['--fault', fault]),
    ...settings.flatMap((setting) => ['--set', setting]),
  ];
  const { stdout, stderr } = await berth(args, { folder, timeoutMs });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as ChaosReport;
}
