import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { BerthError } from '@berth/contracts';
import type { ArrayTask } from './array-plan.ts';
import {
  adviceOn,
  complaintOf,
  maxArrayTasks,
  parseQueue,
  queueFormat,
  type QueuedJob,
} from './slurm-words.ts';

/** The programs of Slurm, as this user runs them. */
export interface SlurmPrograms {
  /** @returns undefined where Slurm does not say */
  maxArrayTasks(): Promise<number | undefined>;
  /** Jobs of this user with one of these names that Slurm has not done with. */
  jobs(names: readonly string[]): Promise<QueuedJob[]>;
  /** Whether Slurm would take a script, as far as it can tell by now: it does not look at one that waits for another job. */
  check(script: string): Promise<void>;
  /** @param afterJob - one that must have started before @returns the id of the job */
  submit(script: string, afterJob?: string): Promise<string>;
  /** Tells a task that runs to leave for good after its step, and takes one that waits out of the queue. */
  release(task: ArrayTask): Promise<void>;
  cancel(jobId: string): Promise<void>;
}

/** Longer than a busy slurmctld takes; sbatch itself tries for minutes where the queue is full. */
const timeoutMs = 60_000;

/** @throws BerthError of each: `RUNTIME_UNAVAILABLE` without the program, `REQUEST_REFUSED` with what Slurm says */
export function createSlurmPrograms(env: NodeJS.ProcessEnv): SlurmPrograms {
  const run = (program: string, ...args: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(program, args, { env, timeout: timeoutMs }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(failure(program, error, stderr));
      });
    });
  return {
    async maxArrayTasks() {
      return maxArrayTasks(await run('scontrol', 'show', 'config'));
    },
    async jobs(names) {
      const only = [
        `--user=${userInfo().username}`,
        '--array',
        '--noheader',
        `--name=${names.join(',')}`,
      ];
      return parseQueue(await run('squeue', ...only, `--format=${queueFormat}`));
    },
    async check(script) {
      await run('sbatch', '--test-only', script);
    },
    async submit(script, afterJob) {
      const after = afterJob === undefined ? [] : [`--dependency=after:${afterJob}`];
      const printed = await run('sbatch', '--parsable', ...after, script);
      // With the name of the cluster behind it, where there are several.
      return printed.trim().split(';', 1)[0]!;
    },
    async release({ id, state }) {
      const isThere = state === 'RUNNING' || state === 'SUSPENDED';
      await run('scancel', ...(isThere ? ['--signal=USR1', '--batch'] : []), id);
    },
    async cancel(jobId) {
      await run('scancel', jobId);
    },
  };
}

function failure(
  program: string,
  error: Error & { readonly code?: string | number | null; readonly killed?: boolean },
  stderr: string,
): BerthError {
  if (error.code === 'ENOENT')
    return new BerthError(
      'RUNTIME_UNAVAILABLE',
      `${program} is not in PATH: run this where sbatch is, such as a login node`,
      { cause: error },
    );
  const late = error.killed === true ? `no end within ${timeoutMs / 1000} s; ` : '';
  const complaint = complaintOf(stderr);
  const advised = adviceOn(complaint);
  return new BerthError(
    'REQUEST_REFUSED',
    `${program}: ${late}${complaint}${advised === undefined ? '' : `. ${advised}`}`,
    { cause: error },
  );
}
