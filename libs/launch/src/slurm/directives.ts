import { BerthError } from '@berth/contracts';

/** What a job asks of Slurm, as its users write it. */
export interface SlurmResources {
  readonly partition?: string | undefined;
  readonly account?: string | undefined;
  /** As Slurm writes times: `1-12:00:00`, or minutes. */
  readonly timeLimit?: string | undefined;
  readonly numGpus: number;
  readonly numCpus: number;
  /** As Slurm writes sizes: `16G`. */
  readonly memory?: string | undefined;
  /** More options of sbatch: `--qos=spot`. */
  readonly more: readonly string[];
}

/**
 * The `#SBATCH` lines of a job.
 * @param own - those that berth decides: a job that has others of them would not be berth's
 * @throws BerthError `USAGE` for one of `more` that is no option, holds a line break, or is one of `own`
 */
export function directives(resources: SlurmResources, own: readonly string[]): string[] {
  const { partition, account, timeLimit, numGpus, numCpus, memory, more } = resources;
  const asked = [
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
    ...(timeLimit === undefined ? [] : [`--time=${timeLimit}`]),
    ...(numGpus === 0 ? [] : [`--gpus-per-task=${numGpus}`]),
    `--cpus-per-task=${numCpus}`,
    ...(memory === undefined ? [] : [`--mem=${memory}`]),
  ];
  const taken = new Set(own.map(nameOf));
  for (const option of [...asked, ...more]) {
    if (!/^--[a-z][\w-]*(=[^\s].*)?$/.test(option))
      throw new BerthError(
        'USAGE',
        `${JSON.stringify(option)} is no option of sbatch; write it as --name=value, on one line`,
      );
    if (taken.has(nameOf(option)))
      throw new BerthError('USAGE', `${nameOf(option)} is decided by berth; leave it out`);
  }
  return [...own, ...asked, ...more].map((option) => `#SBATCH ${option}`);
}

const nameOf = (option: string): string => option.split('=', 1)[0]!;
