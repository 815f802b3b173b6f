import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { parseRunConfig, silentLogger, type RunRecord } from '@berth/contracts';
import { createS3ObjectStore } from '@berth/checkpoint';
import { temporaryFolder, waitFor } from '@berth/testing';
import { expect, it } from 'vitest';
import { startDataCluster } from './testing/data-cluster.ts';
import { objectsOf, prepareCalmly, writeParts } from './testing/disturbed-preparation.ts';

it('data comes out the same where one of two workers sees the corpus, and dies once its text is stored', async () => {
  const { path: folder } = await temporaryFolder();
  const parts = writeParts(join(folder, 'corpus'), { seed: 5, partBytes: 120_000 });
  const config = parseRunConfig(
    { name: 'r', corpus: { parts }, vocabulary: { size: 600 }, examples: { numShards: 3 } },
    'test',
  );
  const cluster = await startDataCluster(folder, 2, (worker) =>
    worker === 0 ? {} : { BERTH_CORPUS_ROOTS: join(folder, 'nothing') },
  );
  const [seeing] = cluster.workers;
  const store = createS3ObjectStore(cluster.services.s3, silentLogger);
  const keysLike = async (pattern: RegExp): Promise<string[]> =>
    (await store.list('plans/')).map(({ key }) => key).filter((key) => pattern.test(key));
  const plans = (): Promise<string[]> => keysLike(/\/plan\.json$/);
  const look = async (): Promise<RunRecord> => {
    const { run } = await cluster.client.status('r');
    if (run.error !== null) throw new Error(run.error.message);
    return run;
  };
  const until = <T>(
    what: string,
    found: (run: RunRecord) => T | Promise<T>,
  ): Promise<NonNullable<T>> =>
    waitFor(async () => (await found(await look())) ?? undefined, { intervalMs: 10, what });
  try {
    await cluster.client.submit(config, 'prepared');
    await until('words of a chunk', async () => (await keysLike(/\/words-/))[0]);
    const [first] = await plans();
    process.kill(seeing!.pid!, 'SIGSTOP');
    // The one that is left has looked, and says where.
    const alone = /^no worker is left that sees the corpus \(looked for on \S+\): .* is not below/;
    await until('word of who does not see it', ({ reason }) => alone.test(reason));
    // Nobody sees any more what was listed: it is listed again, and is the same data.
    utimesSync(parts[7]!.path, 1_000, 1_000);
    process.kill(seeing!.pid!, 'SIGCONT');
    const second = await until('another list', async () =>
      (await plans()).find((key) => key !== first),
    );
    const prefix = second.replace('plan.json', '');
    await until('all of the text', async () => {
      const texts = await keysLike(/\/text-\d+\.json$/);
      return texts.filter((key) => key.startsWith(prefix)).length === parts.length;
    });
    await seeing!.stop();
    const manifestKey = await until('the dataset', (run) => run.manifestKey);
    const made = await objectsOf(store, manifestKey);
    expect(await keysLike(/\/(words|text)-/)).toEqual([]);
    expect(made).toEqual(await prepareCalmly(config, store));
  } finally {
    store.close();
    await cluster.close();
  }
});
