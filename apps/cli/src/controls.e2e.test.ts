import { setTimeout as sleep } from 'node:timers/promises';
import {
  isBerthError,
  silentLogger,
  type Control,
  type ControlRequest,
  type RunConfig,
  type RunStatusReport,
} from '@berth/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, type CoordinatorClient } from '@berth/launch';
import { inspectLedger, type LedgerInspection } from '@berth/chaos';
import { berth, childrenOf } from './testing/berth-process.ts';
import { startCluster, type TestCluster } from './testing/test-cluster.ts';
import { tinyRun } from './testing/tiny-run.ts';

const numSteps = 80;
// Few examples are made ahead, so that little is trained while nobody coordinates; each run makes its own.
const examples = { numShards: 8, shuffleWindowShards: 1, readAheadShards: 2 };
const train = { numSteps, virtualRanks: 2, checkpointEverySteps: 10, keepLast: 10 };
const configOf = (name: string, seed: number): RunConfig => ({
  ...tinyRun(name, { examples, train, cluster: { numWorkers: 2 } }),
  seed,
});

let cluster: TestCluster;
let client: CoordinatorClient;

/** Asks again while nobody answers, as people do. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++)
    try {
      return await ask();
    } catch (error) {
      if (attempt >= 200 || !isBerthError(error) || error.code !== 'COORDINATOR_UNREACHABLE')
        throw error;
      await sleep(100);
    }
}

const statusOf = (runId: string): Promise<RunStatusReport> => patiently(() => client.status(runId));

const untilStep = (runId: string, step: number): Promise<RunStatusReport> =>
  cluster.until(runId, `step ${step}`, (report) => report.step >= step);
const untilStatus = (runId: string, status: string): Promise<RunStatusReport> =>
  cluster.until(runId, status, ({ run }) => run.status === status);

function killCoordinator(): void {
  for (const pid of childrenOf(cluster.up.pid ?? 0, 'coordinator')) process.kill(pid, 'SIGKILL');
}

/** Asks something of a run, and kills the coordinator as soon as it has answered; then asks again. */
async function controlAndKill(
  runId: string,
  control: Control,
  request?: ControlRequest,
): Promise<RunStatusReport> {
  await patiently(() => client.control(runId, control, request));
  killCoordinator();
  return patiently(() => client.control(runId, control, request));
}

const ledgerOf = (runId: string): Promise<LedgerInspection> =>
  inspectLedger(cluster.services, runId, silentLogger);

beforeAll(async () => {
  cluster = await startCluster({ numWorkers: 2, port: await freePort() });
  ({ client } = cluster);
});

afterAll(() => cluster.stop());

describe('controls, each with the coordinator killed right after it', () => {
  it('pauses a run, lets the next one train, and resumes with the same weights', async () => {
    await client.submit(configOf('a', 7), 'trained');
    await client.submit(configOf('b', 8), 'trained');
    await untilStep('a', 5);
    expect((await statusOf('b')).run.reason).toMatch(/^waiting for a, which is \w+; number 1 in/);
    await controlAndKill('a', 'pause');
    const paused = await untilStatus('a', 'paused');
    expect(paused).toMatchObject({
      checkpointStep: paused.step,
      run: { attempts: [{ toStep: paused.step, endReason: `saved at step ${paused.step}` }] },
    });
    expect(paused.checkpointAtMs).toBeGreaterThan(0);
    expect((await client.control('a', 'pause')).run).toEqual(paused.run);
    await untilStep('b', 3);
    expect(await statusOf('a')).toMatchObject({ step: paused.step, numWorkersAlive: 0 });
    await controlAndKill('a', 'resume');
    const waiting = await statusOf('a');
    expect(waiting.run.reason).toMatch(/^waiting for b/);
    expect(waiting.run.attempts).toHaveLength(2);
  });

  it('saves on demand, goes on, and keeps the checkpoint', async () => {
    await untilStep('b', 6);
    await controlAndKill('b', 'checkpoint');
    const report = await cluster.until(
      'b',
      'a kept checkpoint',
      ({ run }) => run.keptSteps.length > 0,
    );
    const kept = report.run.keptSteps[0] ?? 0;
    const later = await cluster.until('b', 'more steps', (now) => now.step > kept);
    expect(later.run).toMatchObject({ keptSteps: [kept], attempts: [{ endedAtMs: null }] });
  });

  it('stops what is saved, and kills what is not', async () => {
    await controlAndKill('b', 'stop');
    const stopped = await untilStatus('b', 'stopped');
    expect(stopped.checkpointStep).toBe(stopped.step);
    expect((await client.control('b', 'stop')).run).toEqual(stopped.run);
    await untilStatus('a', 'completed');

    await client.control('b', 'resume');
    await cluster.until('b', 'a step', ({ step }) => step > stopped.step);
    await controlAndKill('b', 'kill');
    const killed = await untilStatus('b', 'stopped');
    const again = await berth(['kill', 'b', '--yes', '--json'], cluster);
    expect(again.exitCode).toBe(0);
    expect((JSON.parse(again.stdout) as RunStatusReport).run).toEqual(killed.run);
    expect(await statusOf('b')).toMatchObject({ step: killed.step, numWorkersAlive: 0 });
  });

  it('goes on from an older checkpoint with the same weights, however often it is killed', async () => {
    const { run } = await statusOf('b');
    const fromStep = run.keptSteps[0] ?? 0;
    await controlAndKill('b', 'resume', { fromStep });
    for (const pauseMs of [700, 150]) {
      await statusOf('b');
      await sleep(pauseMs);
      killCoordinator();
    }
    const report = await untilStatus('b', 'completed');
    expect(report.run.requests.rewind).toBeNull();
    const { attempts } = report.run;
    expect(attempts).toHaveLength(run.attempts.length + 1);
    expect(attempts.at(-2)?.abandonedFromStep).toBe(fromStep);
    expect(attempts.at(-1)).toMatchObject({ fromStep, toStep: numSteps, abandonedFromStep: null });
  });

  it('goes on from a checkpoint of a completed run', async () => {
    await client.control('a', 'resume', { fromStep: 20 });
    await cluster.until('a', 'the new attempt', ({ step }) => step < numSteps);
    await untilStatus('a', 'completed');
    // Before the step at which it was paused, and saved.
    const { exitCode, stderr } = await berth(['resume', 'a', '--from', '4'], cluster);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/there is no complete checkpoint at step 4; there are: .*\b10, /);
    expect(stderr).not.toContain('goes back');
  });

  it.each([
    ['a', 7],
    ['b', 8],
  ])('has left run %s with the weights of an undisturbed run', async (runId, seed) => {
    const calm = `calm-${seed}`;
    await client.submit(configOf(calm, seed), 'trained');
    await untilStatus(calm, 'completed');
    const { head, weightsDigest } = await ledgerOf(calm);
    expect(weightsDigest).not.toBeNull();
    expect(await ledgerOf(runId)).toMatchObject({ ok: true, numSteps, head, weightsDigest });
  });
});
