import { BerthError } from '@berth/contracts';
import type { Context } from '../context.ts';
import { keptText } from '../save-lines.ts';
import { findRun, withRuns } from '../runs.ts';

export interface PinOptions {
  /** Step of the checkpoint to keep. */
  readonly pin?: number | undefined;
  /** Step of the checkpoint that need not be kept any more. */
  readonly unpin?: number | undefined;
  readonly json: boolean;
}

/**
 * `berth checkpoint --pin` and `--unpin`: keeps a checkpoint for good, or no longer; also where no cluster runs.
 * @throws BerthError `RUN_NOT_FOUND`, `CHECKPOINT_NOT_FOUND`, `USAGE` for both at once
 */
export async function pin(context: Context, run: string, options: PinOptions): Promise<void> {
  const step = options.pin ?? options.unpin;
  if (step === undefined || (options.pin !== undefined && options.unpin !== undefined))
    throw new BerthError('USAGE', 'Name one checkpoint: --pin <step> or --unpin <step>');
  await withRuns(context, async (runs) => {
    const runId = await findRun(runs, run);
    const report = await runs.pin(runId, step, options.pin !== undefined);
    context.print(options.json ? JSON.stringify(report) : `${runId}: ${keptText(report)}`);
  });
}
