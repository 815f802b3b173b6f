import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectLedger } from '@berth/chaos';
import { silentLogger } from '@berth/contracts';
import { temporaryFolder } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { berth } from './testing/berth-process.ts';
import { laterKey, laterRelease, thisRelease } from './testing/later-release.ts';
import { tinyRunFile } from './testing/tiny-run.ts';
import { startUpgradeCluster } from './testing/upgrade-cluster.ts';

const minutes = 60_000;
const run = 'upgraded';
const numLastSteps = 20;

/** With a constant rate its weights do not depend on how many steps are planned. */
const runFile = (numSteps: number): object =>
  tinyRunFile(run, {
    optimizer: { schedule: 'constant' },
    train: { numSteps, checkpointEverySteps: 50 },
    cluster: { numWorkers: 2 },
  });

it(
  'every process is replaced by one of a later release while a run trains, and no step is lost',
  { timeout: 20 * minutes },
  async () => {
    const { path: folder } = await temporaryFolder();
    const later = await laterRelease(join(folder, 'later'));
    const cluster = await startUpgradeCluster(join(folder, 'cluster'), run);
    onTestFinished(() => cluster.stop());
    const { services, watch } = cluster;
    const [leader, standby] = [
      await cluster.start('coordinator', thisRelease),
      await cluster.start('coordinator', thisRelease),
    ];
    const [first, second] = [
      await cluster.start('worker', thisRelease),
      await cluster.start('worker', thisRelease),
    ];
    await cluster.submit(runFile(1_000_000));
    await watch.steps(10);
    // Before the coordinators, which is not the order that the pages advise.
    await watch.during('a worker', () => cluster.replace(first, later));
    expect(await cluster.text('heartbeats')).toContain(laterKey);
    expect(await cluster.text('view')).not.toContain(laterKey);
    await watch.during('the coordinator that stands by', () => cluster.replace(standby, later));
    // Asked of the later one, done by the one that leads, which writes the record after it.
    await watch.during('a checkpoint', () => cluster.askForCheckpoint());
    expect(await cluster.text('record')).toContain(laterKey);
    await watch.during('the coordinator that leads', () => cluster.replace(leader, later));
    await watch.during('the other worker', () => cluster.replace(second, later));
    await watch.during('Redis', () => services.disturb.redis!.kill());
    await watch.during('the bucket', () => services.disturb.interruptStore!(500));
    expect(await cluster.text('view')).toContain(laterKey);
    expect(await cluster.text('ledger')).toContain(laterKey);
    expect(new Set(await cluster.versions())).toEqual(new Set([later.version]));

    const numSteps = await cluster.finish(numLastSteps, runFile);
    const ledger = await inspectLedger(services.services, run, silentLogger);
    expect(ledger).toMatchObject({ ok: true, problems: [], numSteps, checkpointStep: numSteps });
    expect(watch.fellBack).toEqual([]);
    expect(cluster.deaths).toEqual([]);
    const pauses = watch.pauses.map(({ what, pauseMs }) => `${what}: ${pauseMs} ms`);
    console.info(`longest time without a commit\n${pauses.join('\n')}`);

    const calm = join(folder, 'calm');
    await mkdir(calm);
    await writeFile(join(calm, 'run.json'), JSON.stringify(runFile(numSteps)));
    const trained = ['train', join(calm, 'run.json'), '--workers', '1'];
    expect(await berth(trained, { folder: calm })).toMatchObject({ exitCode: 0 });
    const { stdout } = await berth(['ledger', 'verify', run, '--json'], { folder: calm });
    const undisturbed = JSON.parse(stdout) as typeof ledger;
    expect(ledger.weightsDigest).toBe(undisturbed.weightsDigest);
    expect(ledger.head).toBe(undisturbed.head);
  },
);
