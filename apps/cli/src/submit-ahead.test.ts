import { existsSync, rmSync } from 'node:fs';
import { createS3ObjectStore } from '@berth/checkpoint';
import { parseRunConfig, silentLogger, type RunConfig, type RunStatus } from '@berth/contracts';
import { createRunService } from '@berth/coordinator/run-service';
import { liveMember } from '@berth/protocol/testing';
import { connectRedis, createMembers, createRuns } from '@berth/queue';
import { temporaryFolder } from '@berth/testing';
import { beforeEach, expect, it } from 'vitest';
import { withServices } from './cluster-access.ts';
import type { Context } from './context.ts';
import { withRuns } from './runs.ts';
import { submitAhead } from './submit-ahead.ts';

let context: Context;
let said: string[];

beforeEach(async () => {
  const { path: folder } = await temporaryFolder();
  said = [];
  const say = (message: string): void => void said.push(message);
  context = {
    folder,
    berth: 'berth',
    env: {},
    umask: 0o022,
    logger: silentLogger,
    say,
    print: say,
  };
});

function configOf(train: Partial<RunConfig['train']>): RunConfig {
  return parseRunConfig({ name: 'r', corpus: { path: '/t/a.txt' }, train }, 'test');
}

/** A run as it is after a kill of its cluster, with a heartbeat of a worker that died with it. */
async function leave(status: RunStatus): Promise<void> {
  await withServices(context, async ({ redisUrl, s3 }) => {
    const connection = await connectRedis(redisUrl, { role: 'producer' });
    const store = createS3ObjectStore(s3, silentLogger);
    const runs = createRuns(connection);
    await createRunService(connection, store).submit(configOf({ keepLast: 2 }), 'trained');
    await runs.change('r', () => ({ status, manifestKey: 'm', exampleSetId: 'e' }));
    const members = createMembers(connection);
    await members.heartbeat(liveMember('worker-1', { step: 4, rankMs: 1 }), { isNews: true });
    // The last look of its coordinator.
    await members.list();
    connection.close();
    store.close();
  });
}

const submit = (config: RunConfig, ifNeeded = false): Promise<void> =>
  submitAhead(context, { config, goal: 'trained', ifNeeded });

it.each(['running', 'recovering', 'preparing', 'pausing'] as const)(
  'a run that was %s when its cluster was killed goes on with other settings',
  async (status) => {
    await leave(status);
    await submit(configOf({ keepLast: 5 }));
    const { run } = await withRuns(context, (runs) => runs.status('r'));
    expect(run.status).toBe('queued');
    expect((run.requests.submission?.config ?? run.config).train.keepLast).toBe(5);
    // On a slow machine that worker has been silent for too long before anybody asks.
    const waits = 'waiting: workers that were at r a moment ago may still end';
    expect(['', waits]).toContain(said.join());
  },
);

it('a run that is completed is refused, unless that is fine', async () => {
  await leave('completed');
  await expect(submit(configOf({}))).rejects.toThrow(
    'Run "r" is completed; choose another name to train again, or remove it: berth rm r',
  );
  await submit(configOf({}), true);
  expect(said).toEqual([]);
});

it('nothing is started where there is no run yet', async () => {
  rmSync(context.folder, { recursive: true });
  await submit(configOf({}));
  expect(existsSync(context.folder)).toBe(false);
});
