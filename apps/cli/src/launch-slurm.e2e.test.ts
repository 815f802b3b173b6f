import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { berth } from './testing/berth-process.ts';
import { tinyRunFile } from './testing/tiny-run.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

it('prints the scripts of a run, and leaves them where all nodes see them, for its user only', async () => {
  const { path } = await temporaryFolder();
  const file = join(path, 'run.json');
  writeFileSync(file, JSON.stringify(tinyRunFile('mine', { cluster: { numWorkers: 3 } })));
  const folder = join(path, '.berth');
  const launch = ['launch', 'slurm', file, '--partition=low'];

  const job = await berth(launch, { folder });
  expect(job.exitCode).toBe(0);
  expect(job.stdout).toContain('#SBATCH --job-name=berth-head-mine\n');
  expect(job.stdout).toContain('#SBATCH --array=0-2\n');
  const shared = join(folder, 'slurm/mine');
  expect([modeOf(folder), modeOf(shared), modeOf(join(shared, 'workers.sh'))]).toEqual([
    0o700, 0o700, 0o600,
  ]);

  const there = {
    REDIS_URL: 'redis://redis.example',
    AWS_ENDPOINT_URL_S3: 'http://store.example',
    BERTH_SECRET: 'secret-of-a-test-0123',
  };
  const elsewhere = await berth([...launch, '--set', 'name=other'], { folder, env: there });
  expect(elsewhere.exitCode).toBe(0);
  expect(elsewhere.stdout).not.toMatch(/berth-head|secret-of-a-test/);
  expect(modeOf(join(folder, 'slurm/other/secrets/worker.env'))).toBe(0o600);

  const part = await berth(launch, { folder, env: { REDIS_URL: 'redis://redis.example' } });
  expect(part).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('without the bucket (BERTH_S3_BUCKET)') as string,
  });
});

it('says in one line that there is no Slurm here', async () => {
  const { path } = await temporaryFolder();
  const file = join(path, 'run.json');
  writeFileSync(file, JSON.stringify(tinyRunFile('mine')));
  const { exitCode, stderr } = await berth(['launch', 'slurm', file, '--submit'], {
    folder: join(path, '.berth'),
    env: { PATH: path },
  });
  expect([exitCode, stderr.trim()]).toEqual([
    6,
    'error: scontrol is not in PATH: run this where sbatch is, such as a login node',
  ]);
  expect(existsSync(join(path, '.berth/slurm/mine/secrets/client.env'))).toBe(false);
});
