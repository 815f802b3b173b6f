import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { headScript } from './head-script.ts';
import type { JobOptions } from './job-parts.ts';
import { openSharedFolder } from './shared-folder.ts';
import { workerScript } from './worker-script.ts';

const resources = { numGpus: 0, numCpus: 1, more: [] };

interface Scene {
  /** What the node's programs were called with. */
  readonly calls: () => string;
  readonly output: () => string;
  readonly folder: string;
  readonly start: () => ChildProcess;
}

/**
 * The script of a task on a node whose Slurm programs only note how they are called: what a script decides, `npm run test:engines` has
 * the real ones do.
 */
async function scene(
  worker: string,
  more: { readonly programs?: Record<string, string> } = {},
): Promise<Scene> {
  const { path } = await temporaryFolder();
  const folder = join(path, 'shared');
  const shared = openSharedFolder(folder);
  shared.write('secrets/worker.env', "REDIS_URL='redis://a b'\n");
  const log = join(path, 'calls');
  writeFileSync(log, '');
  const note = (name: string): string => `echo "${name} $*" >>${log}`;
  const programs = {
    scontrol: note('scontrol'),
    squeue: 'echo RUNNING',
    worker,
    ...more.programs,
  };
  for (const [name, body] of Object.entries(programs))
    writeFileSync(join(path, name), `#!/bin/bash\n${body}\n`, { mode: 0o755 });
  const options = { ...jobOptions(folder), marker: shared.marker };
  const script = shared.write(
    'workers.sh',
    workerScript({
      ...options,
      array: '0-1',
      command: [join(path, 'worker'), folder],
      numThreads: 2,
    }),
  );
  const start = (): ChildProcess => {
    const child = spawn('bash', [script], {
      env: {
        PATH: `${path}:${process.env['PATH']}`,
        SLURM_JOB_ID: '31',
        SLURM_ARRAY_JOB_ID: '31',
        SLURM_ARRAY_TASK_ID: '1',
        SLURMD_NODENAME: 'localhost',
        SLURM_RESTART_COUNT: '2',
      },
      stdio: 'ignore',
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return child;
  };
  const outputFile = join(folder, 'logs/31_1.out');
  return {
    calls: () => readFileSync(log, 'utf8'),
    output: () => (existsSync(outputFile) ? readFileSync(outputFile, 'utf8') : ''),
    folder,
    start,
  };
}

const jobOptions = (sharedFolder: string): JobOptions => ({
  runName: 'mine',
  sharedFolder,
  marker: '',
  graceMs: 60_000,
  headTimeoutMs: 10_000,
  resources,
});

const codeOf = async (child: ChildProcess): Promise<unknown> => (await once(child, 'exit'))[0];

it('tells a worker what it is, and is done when the run is', async () => {
  const { start, output, calls } = await scene('env; exit 0');
  expect(await codeOf(start())).toBe(0);
  for (const line of [
    'BERTH_WORKER_RUN=mine',
    'BERTH_ENGINE=slurm',
    'BERTH_NUM_THREADS=2',
    'BERTH_WORKER_NAME=slurm-31_1-2',
    'BERTH_PEER_HOST=127.0.0.1',
    'REDIS_URL=redis://a b',
  ])
    expect(output().split('\n')).toContain(line);
  expect(calls()).not.toMatch(/requeue|Comment/);
});

it('fails with the reason of its worker, where Slurm shows it', async () => {
  const line =
    '{"level":"error","message":"The worker ends: run mine failed: a \\"b\\"","end":"failed"}';
  const { start, calls } = await scene(`echo '${line}' >&2; exit 1`);
  expect(await codeOf(start())).toBe(1);
  expect(calls()).toContain(
    String.raw`JobId=31_1 Comment=berth: localhost: the worker ended with code 1: run mine failed: a \"b\"`,
  );
});

const waiting = (code: number): string =>
  `trap 'exit ${code}' TERM; echo started; touch "$1/started"; while :; do sleep 0.05; done`;

it.each([
  ['SIGTERM', 75, 75, 'scontrol requeue 31_1'],
  ['SIGTERM', 143, 75, 'scontrol requeue 31_1'],
  ['SIGTERM', 0, 0, ''],
  ['SIGUSR1', 75, 0, ''],
] as const)('%s, and its worker ends with %i', async (signal, workerCode, code, call) => {
  const { start, folder, calls } = await scene(waiting(workerCode));
  const child = start();
  await waitFor(() => existsSync(join(folder, 'started')), { what: 'the worker' });
  child.kill(signal);
  expect(await codeOf(child)).toBe(code);
  const requeues = calls()
    .split('\n')
    .filter((line) => line.includes('requeue'));
  expect(requeues).toEqual(call === '' ? [] : [call]);
});

it('leaves it to Slurm where that has decided already', async () => {
  const programs = { squeue: 'echo COMPLETING' };
  const { start, folder, calls } = await scene(waiting(75), { programs });
  const child = start();
  await waitFor(() => existsSync(join(folder, 'started')), { what: 'the worker' });
  child.kill('SIGTERM');
  expect(await codeOf(child)).toBe(75);
  expect(calls()).not.toContain('requeue');
});

it('says which folder is not shared, and on which node', async () => {
  const { start, folder, calls } = await scene('exit 0');
  writeFileSync(join(folder, 'marker'), 'of another folder\n');
  expect(await codeOf(start())).toBe(2);
  expect(calls()).toContain(`Comment=berth: localhost: ${folder} is not what it was`);
});

it('refuses secrets that others may read', async () => {
  const { start, folder, calls } = await scene('exit 0');
  const path = join(folder, 'secrets/worker.env');
  chmodSync(path, 0o640);
  expect(await codeOf(start())).toBe(2);
  expect(calls()).toContain(`Comment=berth: localhost: ${path} is open to other users`);
});

it('refuses a node whose clock is another', async () => {
  const programs = { date: 'echo $(($(/bin/date +%s) - 900))' };
  const { start, calls } = await scene('exit 0', { programs });
  expect(await codeOf(start())).toBe(2);
  expect(calls()).toMatch(/its clock differs by -9\d\d s from that of/);
});

it('asks Slurm for what its user wants, and keeps what is its own', () => {
  const options = { ...jobOptions('/shared/a b'), marker: 'm' };
  const wanted = {
    partition: 'gpu',
    account: 'lab',
    timeLimit: '4:00:00',
    numGpus: 1,
    numCpus: 8,
    memory: '32G',
    more: ['--qos=spot'],
  };
  const command = ['node', 'main.js'];
  const lines = (array: string, more = wanted.more): string[] =>
    workerScript({
      ...options,
      array,
      command,
      image: '/images/berth.sif',
      numThreads: 8,
      resources: { ...wanted, more },
    }).split('\n');
  const asked = lines('0-3');
  for (const option of [
    '--array=0-3',
    '--requeue',
    '--open-mode=append',
    '--signal=B:TERM@60',
    '--partition=gpu',
    '--account=lab',
    '--time=4:00:00',
    '--gpus-per-task=1',
    '--cpus-per-task=8',
    '--mem=32G',
    '--qos=spot',
  ])
    expect(asked).toContain(`#SBATCH ${option}`);
  expect(asked).toContain(
    "worker=(apptainer exec --nv --bind '/shared/a b' /images/berth.sif node main.js)",
  );
  expect(() => lines('0-3', ['--array=0-9'])).toThrow('--array is decided by berth');
  expect(() => lines('0-3', ['--qos=a\nrm -rf'])).toThrow('is no option of sbatch');
});

it('writes scripts that bash reads', async () => {
  const { path } = await temporaryFolder();
  const script = join(path, 'head.sh');
  writeFileSync(script, headScript({ ...jobOptions('/a'), command: ['node', 'berth.js'] }));
  const child = spawn('bash', ['-n', script], { stdio: 'inherit' });
  expect(await codeOf(child)).toBe(0);
});
