import { BerthError } from '@berth/contracts';
import { indexList, planArray, type ArrayPlan } from './array-plan.ts';
import { arrayName, headName } from './job-parts.ts';
import type { SlurmPrograms } from './slurm-programs.ts';

/** What is to run. */
export interface Submitted {
  readonly runName: string;
  readonly numWorkers: number;
  /** Script of the job that has the coordinator, which is submitted where none is there; undefined for one elsewhere. */
  readonly headScript: string | undefined;
  /** Writes the script of an array. @param array - its indexes @returns its path */
  readonly workersScript: (array: string) => string;
}

/** What was done for it. */
export interface Submission extends ArrayPlan {
  /** The job that has the coordinator, and whether it was there before. */
  readonly head: { readonly id: string; readonly wasThere: boolean } | undefined;
  /** The array that was submitted; undefined when nothing was missing. */
  readonly arrayId: string | undefined;
}

/**
 * Brings a run's array to the size that is wanted: submits what is missing, lets go what is too much.
 * @throws BerthError `CONFIG_INVALID` for more tasks than arrays may have; as `SlurmPrograms`, and then nothing new stays behind
 */
export async function submitArray(
  slurm: SlurmPrograms,
  { runName, numWorkers, headScript, workersScript }: Submitted,
): Promise<Submission> {
  const most = await slurm.maxArrayTasks();
  if (most !== undefined && numWorkers > most)
    throw new BerthError(
      'CONFIG_INVALID',
      `--workers ${numWorkers}: an array may have ${most} tasks here (MaxArraySize)`,
    );
  const jobs = await slurm.jobs([arrayName(runName), headName(runName)]);
  const plan = planArray(
    jobs.filter(({ name }) => name === arrayName(runName)),
    numWorkers,
  );
  const found = jobs.find(({ name }) => name === headName(runName));
  const script = plan.missing.length === 0 ? undefined : workersScript(indexList(plan.missing));
  if (script !== undefined) await slurm.check(script);
  const started =
    headScript === undefined || found !== undefined ? undefined : await slurm.submit(headScript);
  const headId = started ?? found?.id;
  let arrayId: string | undefined;
  if (script !== undefined)
    try {
      arrayId = await slurm.submit(script, headId);
    } catch (error) {
      if (started !== undefined) await slurm.cancel(started);
      throw error;
    }
  for (const task of plan.surplus) await slurm.release(task);
  const head = headId === undefined ? undefined : { id: headId, wasThere: started === undefined };
  return { ...plan, head, arrayId };
}
