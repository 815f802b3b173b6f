import { fileURLToPath } from 'node:url';
import { isFinal, silentLogger, type ObjectStore, type RunConfig } from '@berth/contracts';
import { inspectLedger, type LedgerInspection } from '@berth/chaos';
import { createS3ObjectStore } from '@berth/checkpoint';
import { forgetInRun, type ForgetReport } from '@berth/coordinator/forget-run';
import { replayStep } from '@berth/coordinator/replay-step';
import { readAnyDataset } from '@berth/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berth } from './testing/berth-process.ts';
import { startCluster, type TestCluster } from './testing/test-cluster.ts';
import { testWorkers, type TestWorkers } from './testing/test-workers.ts';
import { tinyRun } from './testing/tiny-run.ts';

const numSteps = 40;
const numForgotten = 20;
const corpus = fileURLToPath(new URL('../../../corpus/sotu.jsonl.gz', import.meta.url));

/** Steps of a tiny model on the corpus of the demo, which is in few of its examples when it ends. */
function runOf(name: string, numWorkers: number): RunConfig {
  return tinyRun(name, {
    corpus: { path: corpus, heldOutRatio: 0.05 },
    examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 16, shuffleWindowShards: 4 },
    train: { engine: 'eager', numSteps, checkpointEverySteps: 2, keepLast: 100 },
    cluster: { numWorkers },
  });
}

/** As many documents of the whole dataset as are to be forgotten, always the same. */
function someOf(names: readonly string[], numWanted: number): Set<string> {
  const chosen = new Set<string>();
  for (let at = 7; chosen.size < numWanted; at += 37) chosen.add(names[at % names.length]!);
  return chosen;
}

describe('a run that forgets documents', () => {
  let workers: TestWorkers;
  let cluster: TestCluster;
  let store: ReturnType<typeof createS3ObjectStore>;
  let forgotten: ReadonlySet<string>;
  /** Of a run that never had the documents. */
  let expected: LedgerInspection;

  beforeAll(async () => {
    cluster = await startCluster({ numWorkers: 0 });
    workers = testWorkers(cluster);
    store = createS3ObjectStore(cluster.services.s3, silentLogger);
    await workers.add();
  });
  afterAll(async () => {
    store.close();
    await Promise.all([workers.stop(), cluster.stop()]);
  });

  async function ended(name: string): Promise<void> {
    const { run } = await cluster.until(name, 'the end', ({ run: now }) => isFinal(now.status));
    expect(run).toMatchObject({ status: 'completed', error: null });
  }

  async function train(name: string): Promise<void> {
    await cluster.client.submit(runOf(name, workers.count()), 'trained');
    await ended(name);
  }

  function forget(
    name: string,
    wanted: ReadonlySet<string>,
    isDryRun = false,
  ): Promise<ForgetReport> {
    const options = { logger: silentLogger, isAtRest: false, say: () => undefined };
    return forgetInRun(cluster.services, name, wanted, { ...options, isDryRun });
  }

  const inspected = (name: string): Promise<LedgerInspection> =>
    inspectLedger(cluster.services, name, silentLogger);

  it('has, prepared without them, data in which nobody else has moved', async () => {
    await cluster.client.submit(runOf('never', 1), 'prepared');
    await ended('never');
    const { run } = await cluster.client.status('never');
    forgotten = someOf(await namesOf(store, run.manifestKey!), numForgotten);
    const report = await forget('never', forgotten);
    expect(report).toMatchObject({ firstUse: null, toStep: null, isDone: true });
    expect(report.documents).toHaveLength(numForgotten);
    await train('never');
    expected = await inspected('never');
    expect(expected).toMatchObject({ ok: true, numSteps });
  });

  it('has the weights of one that never had them', async () => {
    await train('one');
    const hashes = new Set(
      (await forget('one', forgotten, true)).documents.map(({ hash }) => hash),
    );
    const had = await inspected('one');
    expect(had.weightsDigest).not.toBe(expected.weightsDigest);
    // The steps before the first use are the same, and in all others the examples of everyone else.
    const planned = await forget('one', forgotten, true);
    const steps = [
      0,
      planned.firstUse!,
      Math.floor((planned.firstUse! + numSteps) / 2),
      numSteps - 1,
    ];
    let numOthers = 0;
    let numOfForgotten = 0;
    for (const step of steps) {
      const [with_, without] = await Promise.all(
        ['one', 'never'].map((name) =>
          replayStep(cluster.services, name, step, { logger: silentLogger }),
        ),
      );
      for (const [index, example] of with_!.examples.entries()) {
        const isOfForgotten = example.sources.some(({ hash = '' }) => hashes.has(hash));
        const { sources: _sources, ...shown } = example;
        const { sources: _others, ...other } = without!.examples[index]!;
        if (isOfForgotten) numOfForgotten += 1;
        else numOthers += Number(JSON.stringify(shown) === JSON.stringify(other));
      }
      const isFirst = step === planned.firstUse;
      expect(isFirst ? numOfForgotten : 1).toBeGreaterThan(0);
    }
    expect(numOthers + numOfForgotten).toBe(8 * steps.length);

    const report = await forget('one', forgotten);
    expect(report).toMatchObject({ firstUse: planned.firstUse, isDone: true });
    expect(report.toStep).toBeLessThanOrEqual(report.firstUse!);
    await ended('one');
    const { weightsDigest, head } = expected;
    expect(await inspected('one')).toMatchObject({ ok: true, weightsDigest, head });
    const { run } = await cluster.client.status('one');
    expect(run.forgotten).toMatchObject([
      { numDocuments: numForgotten, wentBackTo: report.toStep },
    ]);
    // Their names are gone with them.
    await expect(forget('one', hashes)).rejects.toMatchObject({ code: 'RUN_STATE_CONFLICT' });
  });

  it('has them too when it forgets in two goes, by the command', async () => {
    await train('two');
    const all = [...forgotten];
    for (const some of [all.slice(0, 5), all.slice(5)]) {
      const { folder } = cluster;
      expect(await berth(['forget', 'two', ...some, '--yes'], { folder })).toMatchObject({
        exitCode: 0,
      });
    }
    const { weightsDigest, head } = expected;
    expect(await inspected('two')).toMatchObject({ ok: true, weightsDigest, head });
  });

  it('has them with three workers, one of which is killed in between', async () => {
    await workers.add();
    await workers.add();
    await train('three');
    const { toStep } = await forget('three', forgotten);
    await cluster.until('three', 'some steps', ({ step, run }) => {
      return run.attempts.length > 1 && run.status === 'running' && step >= toStep! + 2;
    });
    await workers.kill();
    await ended('three');
    const { weightsDigest, head } = expected;
    expect(await inspected('three')).toMatchObject({ ok: true, weightsDigest, head });
  });
});

/** What the documents of a dataset are called, training or held out. */
async function namesOf(store: ObjectStore, manifestKey: string): Promise<string[]> {
  const manifest = await readAnyDataset(store, manifestKey);
  if (!('train' in manifest) || manifest.format === 'berth-labelled-dataset/1') return [];
  const parts = [...manifest.train, ...(manifest.heldOutShards ?? [])];
  const lists = await Promise.all(
    parts.map(async ({ names }) => new TextDecoder().decode(await store.get(names!.key))),
  );
  return lists.flatMap((list) =>
    list
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as [name: string])[0]),
  );
}
