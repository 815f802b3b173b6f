import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  type LogFields,
  type Logger,
  type MemberInfo,
  type View,
  type ViewMember,
  silentLogger,
} from '@berth/contracts';
import { connectRedis, createLogStream } from '@berth/queue';
import { startTestRedis, waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { reportDepartures } from './report-departures.ts';

const program = fileURLToPath(new URL('../testing/logging-process.ts', import.meta.url));
const member = (memberId: string): ViewMember => ({ memberId, host: 'h', port: 1, blocks: [] });
const viewOf = (version: number, ids: readonly string[], reason: string): View => ({
  runId: 'run',
  fencingEpoch: 1,
  version,
  fromStep: 7,
  members: ids.map(member),
  mode: 'train',
  reason,
});

it('a killed worker is named with why and with its last lines', async () => {
  const redis = await startTestRedis();
  const connection = await connectRedis(redis.url, { role: 'producer' });
  const args = [
    '--conditions=@berth/source',
    '--import',
    'tsx',
    program,
    redis.url,
    'worker-2-abc',
  ];
  const worker = spawn(process.execPath, args, { stdio: 'ignore' });
  onTestFinished(async () => {
    worker.kill('SIGKILL');
    connection.close();
    await redis.stop();
  });
  const logs = createLogStream(connection);
  const hasLogged = async (): Promise<boolean> =>
    (await logs.lastLinesOf('worker-2-abc', 1)).length > 0;
  await waitFor(hasLogged, { what: 'the worker to log' });
  const exited = once(worker, 'exit');
  worker.kill('SIGKILL');
  await exited;

  const records: [string, string, LogFields | undefined][] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (message, fields) => records.push(['info', message, fields]),
    warn: (message, fields) => records.push(['warn', message, fields]),
  };
  const live = [{ memberId: 'worker-3', state: 'draining' } as MemberInfo];
  await reportDepartures(
    {
      before: viewOf(1, ['worker-1', 'worker-2-abc', 'worker-3'], 'first'),
      view: viewOf(2, ['worker-1'], 'lost worker-2-abc, left by worker-3'),
      live,
    },
    logs,
    logger,
  );
  expect(records).toEqual([
    [
      'warn',
      'The run goes on without worker-2-abc: its heartbeats stopped',
      {
        worker: 'worker-2-abc',
        step: 7,
        lastLines: expect.arrayContaining(['warn: This is how it was']) as string[],
      },
    ],
    ['info', 'worker-3 has left the run', { worker: 'worker-3', step: 7 }],
  ]);
  const { lines } = await logs.page({ limit: 5, source: 'worker-2-abc', level: 'warn' });
  expect(lines[0]).toMatchObject({ runId: 'run', attempt: 1, step: 6, app: 'worker' });
});
