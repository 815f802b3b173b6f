import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const fields = ['%i', '%j', '%T', '%N', '%k'];

/**
 * What Slurm knows of this user's jobs, those that ended a while ago included.
 * @param {{ run: (program: string, args: readonly string[]) => Promise<string> }} slurm
 * @param {string} name - of the jobs
 * @returns {Promise<{ id: string, name: string, state: string, node: string, comment: string }[]>}
 */
export async function jobsNamed(slurm, name) {
  const args = [
    `--user=${userInfo().username}`,
    '--array',
    '--noheader',
    '--states=all',
    `--name=${name}`,
  ];
  const text = await slurm.run('squeue', [...args, `--format=${fields.join('|')}`]);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id, jobName, state, node, ...comment] = line.split('|');
      return { id, name: jobName, state, node, comment: comment.join('|') };
    });
}

/** How often a job was requeued, by its id. */
export async function restartsOf(slurm, id) {
  const text = await slurm.run('scontrol', ['show', 'job', id]);
  return Number(/Restarts=(\d+)/.exec(text)?.[1]);
}

/**
 * Waits until a look is as wanted.
 * @template T
 * @param {() => Promise<T>} look
 * @param {(seen: T) => boolean} isWanted
 * @param {string} what
 * @param {number} [timeoutMs]
 * @throws Error with what was seen last
 */
export async function until(look, isWanted, what, timeoutMs = 240_000) {
  const deadline = performance.now() + timeoutMs;
  let last;
  let error;
  while (performance.now() < deadline) {
    try {
      last = await look();
      error = undefined;
      if (isWanted(last)) return last;
    } catch (thrown) {
      error = thrown;
    }
    await sleep(200);
  }
  throw new Error(
    `${what}: not within ${timeoutMs / 1000} s; last ${error ? error.message : JSON.stringify(last)}`,
  );
}
