import type { Control, RunStatusReport } from '@berth/contracts';
import { requireCoordinator } from '../cluster-access.ts';
import { confirms } from '../confirms.ts';
import type { Context } from '../context.ts';
import { findRun } from '../runs.ts';

export interface ControlOptions {
  readonly json: boolean;
  /** Does what loses work without asking. */
  readonly yes?: boolean;
}

/**
 * `berth pause`, `stop`, `kill` and `checkpoint`: asks it of a run and prints what becomes of that; asked again, the same.
 * @throws BerthError `USAGE` when work would be lost and nobody can be asked
 */
export async function control(
  context: Context,
  run: string,
  name: Exclude<Control, 'resume'>,
  options: ControlOptions,
): Promise<void> {
  const client = requireCoordinator(context);
  const runId = await findRun(client, run);
  if (name === 'kill' && options.yes !== true) {
    const { isEnabled, reason } = (await client.status(runId)).controls.kill;
    if (isEnabled && !(await confirms(`Kill ${runId}? It ${reason}. [y/N] `))) {
      context.say('nothing was done');
      return;
    }
  }
  const report = await client.control(runId, name);
  context.print(options.json ? JSON.stringify(report) : describe(name, report));
}

function describe(name: Control, { run, step, numSteps }: RunStatusReport): string {
  const next = name === 'checkpoint' ? 'saves and goes on' : run.reason;
  return `${run.runId}: ${run.status} at step ${step} of ${numSteps}, ${next}`;
}
