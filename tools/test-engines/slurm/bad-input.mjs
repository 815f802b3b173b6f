import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berth, mustBerth } from './berth.mjs';
import { jobsNamed, until } from './queue.mjs';
import { runFile, runName } from './run-file.mjs';

/** What is wrong is said in one line, and leaves no job behind. */
export async function testBadInput({ slurm, folder, hidden, say }) {
  const file = join(folder, 'bad.json');
  await writeFile(file, JSON.stringify(runFile(10)));
  const own = { folder: join(folder, 'berth'), env: slurm.env };
  const launch = ['launch', 'slurm', file, '--submit'];
  const wide = join(folder, 'wide');
  await mkdir(wide, { mode: 0o755 });

  /** @type {[string, string[], RegExp][]} */
  const refusals = [
    ['unknown partition', ['--partition=nosuch'], /^sbatch: .*invalid partition.*--partition$/i],
    ['more than arrays may have', ['--workers=102'], /--workers 102: .* 101 tasks .*MaxArraySize/],
    ['more than nodes have', ['--cpus=64'], /^sbatch: .*--cpus/],
    [
      'a folder that others may enter',
      [`--shared=${wide}`],
      new RegExp(`^${wide} is open to other users`),
    ],
  ];
  for (const [what, more, expected] of refusals) {
    const { code, stderr } = await berth([...launch, ...more], own);
    const [last] = stderr.trim().split('\n').slice(-1);
    assert.equal(code, 2, `${what}: ${stderr}`);
    assert.match(last.replace(/^error: /, ''), expected);
    say(`${what}: ${last}`);
  }
  const noSlurm = { ...own, env: { ...slurm.env, PATH: '/usr/bin:/bin' } };
  const { code, stderr } = await berth(launch, noSlurm);
  assert.equal(code, 6);
  say(`no Slurm here: ${stderr.trim()}`);
  assert.deepEqual(await jobsNamed(slurm, `berth-${runName},berth-head-${runName}`), []);

  if (!slurm.hasApart)
    say('a folder that is not shared: not run: only root can hide one from a node');
  else await testHiddenFolder({ slurm, file, own, hidden, say });
}

/** A node that does not see the folder says so, with its name, where Slurm shows it. */
async function testHiddenFolder({ slurm, file, own, hidden, say }) {
  const elsewhere = {
    REDIS_URL: 'redis://127.0.0.1:1',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    BERTH_SECRET: 'secret-of-a-test-0123',
  };
  const shared = join(hidden, 'run');
  const args = ['launch', 'slurm', file, '--submit', '--workers=1', '--partition=apart'];
  const name = 'hidden';
  await mustBerth([...args, '--set', `name=${name}`, '--shared', shared], {
    ...own,
    more: elsewhere,
  });
  const [task] = await until(
    () => jobsNamed(slurm, `berth-${name}`),
    ([first]) => first?.state === 'FAILED',
    'the task on the node that does not see the folder',
  );
  assert.match(task.comment, new RegExp(`^berth: n3: ${shared} is not what it was`));
  say(`a folder that is not shared, in squeue: ${task.comment}`);
}
