import { join } from 'node:path';
import { workerEndLines, type RunConfig } from '@berth/contracts';
import { orderFault } from '@berth/faults';
import { freePort, type CoordinatorClient } from '@berth/launch';
import { waitFor } from '@berth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type AppProcess } from './testing/app-process.ts';
import { berth } from './testing/berth-process.ts';
import { skewedClock } from './testing/skewed-clock.ts';
import { environmentFileOf, startCluster, type TestCluster } from './testing/test-cluster.ts';
import { tinyRun } from './testing/tiny-run.ts';

const token = 'the-token-of-this-cluster';
let cluster: TestCluster;
let folder: string;
let client: CoordinatorClient;
/** All that a process elsewhere needs to join. */
let file: string;

beforeAll(async () => {
  cluster = await startCluster({ numWorkers: 0 });
  ({ folder, client } = cluster);
  file = environmentFileOf(cluster, { BERTH_API_TOKEN: token });
});

afterAll(() => cluster.stop());

const start = (args: readonly string[], env = file, variables = {}): AppProcess =>
  startApp(folder, args, env, variables);

const configOf = (name: string, numSteps: number): RunConfig =>
  tinyRun(name, { train: { numSteps } });

describe('berth worker', () => {
  it('saves and leaves with 75 when all are told to, and ends with 0 when its run is complete', async () => {
    // Nothing goes by the clock of a worker's machine.
    const clocks = [skewedClock(3_600_000), {}];
    const env = environmentFileOf(cluster, { BERTH_ENGINE: 'slurm' }, 'slurm.env');
    const both = ['one', 'two'].map((name, index) =>
      start(['worker', '--run', 'long', '--name', name], env, clocks[index]),
    );
    await client.submit(configOf('long', 80), 'trained');
    const { clocksAheadMs } = await cluster.until(
      'long',
      'some steps of both',
      ({ step, view }) => {
        return step > 3 && view?.members.length === 2;
      },
    );
    expect(Object.values(clocksAheadMs)).toEqual([expect.closeTo(3_600_000, -4)]);
    for (const { process } of both) process.kill('SIGTERM');
    expect(await Promise.all(both.map(({ exitCode }) => exitCode))).toEqual([75, 75]);
    const left = await client.status('long');
    expect(left.run.status).not.toBe('completed');
    expect(left.checkpointStep).toBe(left.step);

    expect(await start(['worker', '--run', 'long']).exitCode).toBe(0);
    const report = await client.status('long');
    expect(report).toMatchObject({ step: 80, run: { status: 'completed' } });
    // Who does a step again measures it again.
    const steps = (await client.metrics('long')).flatMap(({ kind, step }) =>
      kind === 'step' ? step : [],
    );
    expect(steps).toEqual(Array.from({ length: 80 }, (_, index) => index));
    expect((await berth(['ledger', 'verify', 'long'], { folder })).stdout).toMatch(
      /\n {2}engines {5}slurm, steps 1-(\d+)\n {14}process, steps \d+-80\n/,
    );
    expect(await start(['worker', '--run', 'long']).exitCode).toBe(0);
  });

  it('ends with 1 when its run is stopped, and without a run of its own stays', async () => {
    const own = start(['worker', '--run', 'stopped', '--name', 'own']);
    const any = start(['worker', '--name', 'any']);
    await client.submit(configOf('stopped', 100_000), 'trained');
    await cluster.until('stopped', 'some steps of both', ({ step, view }) => {
      return step > 3 && view?.members.length === 2;
    });
    await client.control('stopped', 'stop');
    expect(await own.exitCode).toBe(1);
    await client.submit(configOf('next', 5), 'trained');
    await cluster.until('next', 'its end', ({ run }) => run.status === 'completed');
    any.process.kill('SIGTERM');
    expect(await any.exitCode).toBe(75);
  });

  it('waits for a run that there is not, or that is paused, and says so when it gives up', async () => {
    const never = await berth(['worker', '--run', 'never', '--wait', '1000', '--env', file], {
      folder: join(folder, 'never'),
    });
    expect(never.exitCode).toBe(1);
    expect(never.stderr).toContain('The worker ends: there is no run never (after 1 s of waiting)');

    await client.submit(configOf('resting', 100_000), 'trained');
    await client.control('resting', 'pause');
    await cluster.until('resting', 'its rest', ({ run }) => run.status === 'paused');
    expect(await start(['worker', '--run', 'resting', '--wait', '1000']).exitCode).toBe(75);
    await client.control('resting', 'stop');
  });

  it('says that it drains and why, and leaves at once when it is told a second time', async () => {
    const door = join(folder, 'faults');
    const env = environmentFileOf(cluster, { BERTH_FAULT_DOOR: door }, 'stuck.env');
    const other = start(['worker', '--name', 'other']);
    const stuck = start(['worker', '--run', 'stuck', '--name', 'stuck', '--grace', '600000'], env);
    await client.submit(configOf('stuck', 100_000), 'trained');
    const { step } = await cluster.until('stuck', 'some steps of both', ({ step, view }) => {
      return step > 3 && view?.members.length === 2;
    });
    await orderFault(door, stuck.process.pid!, { kind: 'device-hang' });
    stuck.process.kill('SIGTERM');
    await cluster.until('stuck', 'a member that drains', ({ drains }) =>
      Object.values(drains).includes('SIGTERM'),
    );
    expect((await berth(['status', 'stuck'], { folder })).stdout).toMatch(
      /\n {2}stuck-\w+ at .*, about to leave: SIGTERM\n/,
    );
    stuck.process.kill('SIGTERM');
    // Nothing but a signal ends a process whose device does not answer.
    await stuck.exitCode;
    expect(stuck.process.signalCode).toBe('SIGTERM');
    await cluster.until('stuck', 'more steps', (now) => now.step > step + 20);
    await client.control('stuck', 'stop');
    other.process.kill('SIGTERM');
    expect(await other.exitCode).toBe(75);
  });

  it('leaves when a person asks for it', async () => {
    const own = start(['worker', '--run', 'asked', '--name', 'asked-to']);
    await client.submit(configOf('asked', 100_000), 'trained');
    await cluster.until('asked', 'some steps', ({ step }) => step > 3);
    const { stdout } = await berth(['drain', 'asked-to'], { folder });
    expect(stdout).toMatch(/^asked-to-\w+: told to leave: after the step under way/);
    expect(await own.exitCode).toBe(75);
    const { step, checkpointStep } = await client.status('asked');
    expect(checkpointStep).toBe(step);
    expect((await berth(['drain', 'asked-to'], { folder })).exitCode).toBe(3);
    await client.control('asked', 'stop');
  });

  it('says what is wrong with what it is told, and keeps passwords off the command line', async () => {
    const wrong = await berth(['worker', '--threads', 'many', '--env', file], { folder });
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toMatch(/BERTH_NUM_THREADS is ..many..; use a whole number from 1 to/);
    const shown = await berth(['worker', '--redis', 'redis://:word@127.0.0.1'], { folder });
    expect(shown.exitCode).toBe(2);
    expect(shown.stderr).toMatch(/^error: --redis: a password on the command line is seen/);
    expect(shown.stderr).not.toContain('word@');
    const missing = await berth(['worker', '--env', join(folder, 'none')], { folder });
    expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
    expect(missing.stderr).toMatch(/^error: --env: .*no such file/);
  });

  it('tells its exit codes when asked for help', async () => {
    const { exitCode, stdout } = await berth(['worker', '--help'], { folder });
    expect(exitCode).toBe(0);
    for (const line of workerEndLines()) expect(stdout).toContain(`\n  ${line}\n`);
  });
});

describe('berth coordinator', () => {
  it('answers beside the one that leads, and ends with 0 when it is told to', async () => {
    const port = await freePort();
    // The bucket refuses what an hour's difference has signed, until that is known.
    const clock = skewedClock(-3_600_000);
    const standby = start(['coordinator', '--port', String(port)], file, clock);
    const ask = (): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/api/runs`, { headers: { authorization: `Bearer ${token}` } });
    const answers = (): Promise<boolean> =>
      ask().then(
        ({ ok }) => ok,
        () => false,
      );
    await waitFor(answers, { what: 'an answer' });
    standby.process.kill('SIGTERM');
    expect(await standby.exitCode).toBe(0);
  });
});
