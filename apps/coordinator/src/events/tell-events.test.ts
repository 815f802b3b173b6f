import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { silentLogger, type LogFields, type Logger } from '@berth/contracts';
import { connectRedis, createLease, createLogStream, openRun } from '@berth/queue';
import { startTestRedis, waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { createLogSource } from './log-source.ts';
import { tellNewEvents } from './tell-events.ts';

const program = fileURLToPath(new URL('../testing/logging-process.ts', import.meta.url));
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
    child: () => logger,
    info: (message, fields) => records.push(['info', message, fields]),
    warn: (message, fields) => records.push(['warn', message, fields]),
  };
  const { fencingEpoch } = await createLease(connection, {
    holderId: 'c',
    ttlMs: 60_000,
  }).acquire();
  const { views } = openRun(connection, 'run');
  const draft = { fencingEpoch, mode: 'train' as const, reason: 'changed', members: [] };
  const event = { attempt: 1, timeMs: 1 };
  await views.publish(draft, 0, [
    {
      ...event,
      kind: 'lost',
      memberId: 'worker-2-abc',
      text: 'worker-2-abc lost: its heartbeats stopped',
    },
    { ...event, kind: 'left', memberId: 'worker-3', text: 'worker-3 left: it ended in order' },
  ]);
  const options = { connection, logs: createLogSource(connection), logger };
  await tellNewEvents(options, 'run');
  // Another coordinator goes on where this one has ended.
  await tellNewEvents(options, 'run');
  expect(records).toEqual([
    [
      'warn',
      'The run goes on without worker-2-abc: its heartbeats stopped',
      {
        worker: 'worker-2-abc',
        step: 0,
        lastLines: [expect.stringMatching(/warn This is how it was$/)] as string[],
      },
    ],
    ['info', 'worker-3 has left the run', { worker: 'worker-3', step: 0 }],
  ]);
  const { lines } = await logs.page({ limit: 5, source: 'worker-2-abc', level: 'warn' });
  expect(lines[0]).toMatchObject({ runId: 'run', attempt: 1, step: 6, app: 'worker' });
});
