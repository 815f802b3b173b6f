import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '@berth/contracts';
import { findCluster } from '@berth/launch';
import { connectRedis } from '@berth/queue';
import { temporaryFolder, waitFor } from '@berth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berth, childrenOf, spawnBerth } from './testing/berth-process.ts';
import { clientOf } from './testing/client-of.ts';

const text = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

const source = {
  name: 'source',
  seed: 7,
  corpus: { path: text('libs/data/test/golden/excerpt.txt'), heldOutRatio: 0.1 },
  vocabulary: { size: 1000 },
  examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
  model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 32 },
  optimizer: { learningRate: 1e-3, schedule: 'constant' },
  train: {
    numSteps: 8,
    engine: 'eager',
    globalBatch: 8,
    virtualRanks: 4,
    checkpointEverySteps: 1000,
    numEvalExamples: 16,
  },
};
const { model: _model, ...rest } = source;
const continued = {
  ...rest,
  name: 'continued',
  seed: 8,
  corpus: { path: 'other.txt', heldOutRatio: 0.1 },
  vocabulary: { extend: 30 },
  init: { from: 'source@8' },
  train: { ...source.train, numSteps: 20 },
};

interface LedgerJson {
  readonly ok: boolean;
  readonly head: string;
  readonly weightsDigest: string;
}

/** What two runs of the same bits share. */
type Bits = Pick<LedgerJson, 'head' | 'weightsDigest'>;

describe('a run that begins with the weights of another', () => {
  let folder: string;
  let up: ChildProcess | undefined;
  /** What `continued` comes to, and the model that it begins with, whose run is gone later. */
  let expected: Bits;
  let sha256: string;
  const file = (name: string): string => join(folder, `${name}.yaml`);
  const trainArgs = (config: string, name: string, ...more: string[]): string[] => [
    'train',
    file(config),
    '--set',
    `name=${name}`,
    ...more,
  ];
  const bits = async (name: string): Promise<Bits> => {
    const { stdout } = await berth(['ledger', 'verify', name, '--json'], { folder });
    const { ok, head, weightsDigest } = JSON.parse(stdout) as LedgerJson;
    expect(ok).toBe(true);
    return { head, weightsDigest };
  };
  const train = async (...args: string[]): Promise<void> => {
    const { exitCode, stderr } = await berth(args, { folder });
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  };
  const trainedFor = async (numSteps: number, name: string): Promise<void> => {
    const isAt = async (): Promise<boolean> => {
      const reports = (await clientOf(folder)?.list()) ?? [];
      return (reports.find(({ run }) => run.runId === name)?.step ?? 0) >= numSteps;
    };
    await waitFor(isAt, { intervalMs: 50, what: `step ${numSteps} of ${name}` });
  };
  /** Trains, and kills the first worker of a process once some steps are done. */
  const trainThroughKill = async (args: string[], name: string, ofUp: boolean): Promise<void> => {
    const training = spawnBerth(args, folder);
    const exit = once(training, 'exit');
    await trainedFor(4, name);
    const [victim = 0] = childrenOf((ofUp ? up : training)?.pid ?? 0, 'worker');
    process.kill(victim, 'SIGKILL');
    expect(await exit).toEqual([0, null]);
  };
  const endCluster = async (): Promise<void> => {
    if (up === undefined) return;
    const exit = once(up, 'exit');
    up.kill('SIGTERM');
    await exit;
    up = undefined;
  };

  beforeAll(async () => {
    folder = (await temporaryFolder()).path;
    writeFileSync(join(folder, 'other.txt'), readFileSync(text('docs/protocol.md')));
    writeFileSync(file('source'), JSON.stringify(source));
    writeFileSync(file('continued'), JSON.stringify(continued));
    up = spawnBerth(['up', '--workers', '2', '--port', '0'], folder);
    await waitFor(() => findCluster(folder), { what: 'the cluster' });
    await train(...trainArgs('source', 'source'));
  });
  afterAll(endCluster);

  it('has the same bits with two workers and one, killed before the first checkpoint or not', async () => {
    await train(...trainArgs('continued', 'two'));
    expected = await bits('two');
    await trainThroughKill(trainArgs('continued', 'two-killed'), 'two-killed', true);
    expect(await bits('two-killed')).toEqual(expected);

    // Forked or planned so, and the run that is gone.
    await train(...trainArgs('source', 'planned', '--set', 'train.numSteps=16'));
    await train('fork', 'source', '--name', 'forked', '--set', 'train.numSteps=16');
    expect(await bits('forked')).toEqual(await bits('planned'));

    await endCluster();
    await berth(['rm', 'source', '--yes'], { folder });
    const one = trainArgs('continued', 'one', '--workers', '1');
    const lost = await berth(one, { folder });
    expect(lost.stderr).toContain('no model "source"');
    const report = await berth(['status', 'two', '--json'], { folder });
    ({ sha256 } = (
      JSON.parse(report.stdout) as { run: { config: { init: { sha256: string } } } }
    ).run.config.init);
    // Its only worker dies when nothing is saved: who comes next begins with the stored model again.
    await trainThroughKill([...one, '--set', `init.sha256=${sha256}`], 'one', false);
    expect(await bits('one')).toEqual(expected);
  });

  it('has the same bits when Redis loses everything before the first checkpoint, and the model stays meanwhile', async () => {
    await endCluster();
    up = spawnBerth(['up', '--workers', '2', '--port', '0'], folder);
    const cluster = await waitFor(() => findCluster(folder), { what: 'the cluster' });
    const training = spawnBerth(
      trainArgs('continued', 'emptied', '--set', `init.sha256=${sha256}`),
      folder,
    );
    const exit = once(training, 'exit');
    await trainedFor(4, 'emptied');
    const redis = await connectRedis(cluster.services.redisUrl, {
      role: 'producer',
      logger: silentLogger,
    });
    await redis.call((client) => client.flushall());
    redis.close();
    expect(await exit).toEqual([0, null]);
    expect(await bits('emptied')).toEqual(expected);

    const { stdout } = await berth(['models', '--json'], { folder });
    const models = JSON.parse(stdout) as { modelId: string; runs: string[] }[];
    const model = models.find(({ runs }) => runs.includes('emptied'))!;
    expect(model.modelId).toBe(sha256);
    const refused = await berth(['models', 'rm', model.modelId.slice(0, 12), '--yes'], { folder });
    expect(refused).toMatchObject({ exitCode: 5 });
    expect(refused.stderr).toContain('may have to again');
  });
});
