import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { environmentOfServices, type RunStatusReport } from '@berth/contracts';
import { temporaryFolder, waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { findCluster } from '@berth/launch';
import { spawnBerth } from './testing/berth-process.ts';
import { clientOf } from './testing/client-of.ts';

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const config = {
  name: 'e2e',
  corpus: { path: fileOf('../../../libs/data/test/golden/excerpt.txt'), heldOutRatio: 0.1 },
  vocabulary: { size: 1000 },
  examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
  model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 32 },
  optimizer: { learningRate: 1e-3, numWarmupSteps: 5 },
  train: { numSteps: 100_000, engine: 'eager', globalBatch: 8, virtualRanks: 4 },
};

function startWorker(env: Readonly<Record<string, string>>): ChildProcess {
  const { BERTH_SECRET: _secret, BERTH_SECRET_FILE: _file, ...rest } = process.env;
  const worker = spawn(process.execPath, [fileOf('../../worker/dist/main.js')], {
    env: { ...rest, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void worker.kill('SIGKILL'));
  return worker;
}

it('a worker without a secret does not start, and says how to make one', async () => {
  const nowhere = { endpoint: 'http://127.0.0.1:1', region: 'r', bucket: 'berth', prefix: '' };
  const s3 = { ...nowhere, accessKeyId: 'a', secretAccessKey: 'b' };
  const worker = startWorker(environmentOfServices({ redisUrl: 'redis://127.0.0.1:1', s3 }));
  const output = await text(worker.stderr!);
  expect(output.trim().split('\n')).toEqual([
    expect.stringMatching(/BERTH_SECRET is not set.*openssl rand -hex 32/),
  ]);
  expect(worker.exitCode ?? (await once(worker, 'exit'))[0]).toBe(2);
});

it('a run leaves out a worker with another secret, says so, and goes on', async () => {
  const { path: folder } = await temporaryFolder();
  const file = join(folder, 'run.yaml');
  writeFileSync(file, JSON.stringify(config));
  const training = spawnBerth(['train', file, '--workers', '1'], folder);
  const ended = once(training, 'exit');
  onTestFinished(async () => {
    training.kill('SIGINT');
    await ended;
  });
  const report = async (): Promise<RunStatusReport | undefined> => {
    return (await clientOf(folder)?.list())?.[0];
  };
  const until = (what: string, isSo: (report: RunStatusReport) => boolean): Promise<unknown> =>
    waitFor(
      async () => {
        const current = await report();
        return current !== undefined && isSo(current);
      },
      { intervalMs: 20, what },
    );
  await until('some steps', ({ step }) => step > 3);

  const { services } = findCluster(folder)!;
  // First by its id, so that only its lack of weights speaks against it.
  const env = { BERTH_SECRET: 'the secret of somebody else', BERTH_WORKER_NAME: 'a-stranger' };
  startWorker({ ...environmentOfServices(services), ...env }).stderr?.resume();
  await until('the reason', ({ run, view }) =>
    [run.reason, view?.reason].some((reason) =>
      /^without a-stranger-\w+: .*\bsecrets of .* differ/.test(reason ?? ''),
    ),
  );
  const { step } = (await report())!;
  await until('more steps', (current) => current.step > step + 3);
  expect((await report())?.run.status).toBe('running');
});
