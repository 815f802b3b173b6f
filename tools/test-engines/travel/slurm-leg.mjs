import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from '../kubernetes/jobs.mjs';
import { mustBerth } from '../slurm/berth.mjs';
import { ensurePackages } from '../slurm/packages.mjs';
import { jobsNamed } from '../slurm/queue.mjs';
import { startSlurm } from '../slurm/slurm-cluster.mjs';
import { runFile, runName } from './run-file.mjs';

const engine = 'slurm';
const numWorkers = 2;
/** All cores of a node of the test's Slurm, so that each task has one to itself. */
const numCpus = 2;
const activeStates = new Set(['PENDING', 'CONFIGURING', 'RUNNING', 'SUSPENDED', 'COMPLETING']);

/**
 * The tasks of a job array, each of which is pre-empted once and comes back.
 * @param {{ root: string, folder: string, variables: Readonly<Record<string, string>>, say: (line: string) => void }} options
 * @returns {Promise<import('./journey.mjs').Leg>}
 */
export async function slurmLeg({ root, folder, variables, say }) {
  const places = { cluster: join(folder, 'slurm'), hidden: join(folder, 'hidden') };
  for (const place of Object.values(places)) await mkdir(place, { mode: 0o700 });
  const slurm = await startSlurm({
    root: await ensurePackages(say),
    folder: places.cluster,
    hidden: places.hidden,
  });
  const tasks = () => jobsNamed(slurm, `berth-${runName}`);
  const active = async () => (await tasks()).filter(({ state }) => activeStates.has(state));
  const ended = async (ids) => {
    await until('the end of all tasks', async () => (await active()).length === 0);
    return (await tasks())
      .filter(({ id }) => ids.includes(id))
      .map(({ state }) => state)
      .join(', ');
  };

  return {
    engine,
    async start() {
      const file = join(folder, 'run.json');
      await writeFile(file, JSON.stringify(runFile(root)));
      const args = ['launch', 'slurm', file, '--submit', '--shared', join(folder, 'shared')];
      await mustBerth([...args, '--workers', String(numWorkers), '--cpus', String(numCpus)], {
        folder: join(folder, 'berth'),
        env: slurm.env,
        more: variables,
      });
    },
    async disturb({ members, quiet }) {
      const isBack = (id, restarts) => (all) =>
        all.length === numWorkers &&
        all.some(({ memberId }) => memberId.startsWith(`${engine}-${id}-${restarts}`));
      const all = await until('all tasks', async () => {
        const running = (await tasks()).filter(({ state }) => state === 'RUNNING');
        return running.length === numWorkers && running;
      });
      await members('all tasks in the view', ({ length }) => length === numWorkers);
      for (const { id } of all) {
        const { node } = (await tasks()).find((task) => task.id === id);
        const urgent = [
          '--partition=high',
          `--cpus-per-task=${numCpus}`,
          `--nodelist=${node}`,
          '--time=1',
        ];
        await slurm.run('sbatch', [...urgent, '--output=/dev/null', '--wrap', 'sleep 1']);
        await members(`a view without task ${id}`, (now) =>
          now.every(({ memberId }) => !memberId.startsWith(`${engine}-${id}-0`)),
        );
        await members(`task ${id} again`, isBack(id, 1));
        await quiet();
      }
      return all.map(({ id, node }) => `task ${id} on ${node} pre-empted, and back`);
    },
    async leave() {
      const ids = (await active()).map(({ id }) => id);
      for (const id of ids) await slurm.run('scancel', ['--signal=USR1', '--batch', id]);
      return ended(ids);
    },
    ended: async () => ended((await active()).map(({ id }) => id)),
    close: () => slurm.stop(),
  };
}
