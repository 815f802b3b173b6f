import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isFinal, silentLogger, type RunConfig } from '@berth/contracts';
import { inspectLedger } from '@berth/chaos';
import { createS3ObjectStore } from '@berth/checkpoint';
import {
  createCorpusTally,
  createTokenizer,
  openCorpus,
  parseVocabulary,
  readDatasetManifest,
  readDatasetVocabulary,
} from '@berth/data';
import { expect, it } from 'vitest';
import { berth } from '../berth-process.ts';
import type { TestCluster } from '../test-cluster.ts';
import { tinyRun, tinyRunFile } from '../tiny-run.ts';

const train = { engine: 'eager', numSteps: 6 };
const writer = fileURLToPath(
  new URL('../../../../../tools/verify/dataset/write_dataset.py', import.meta.url),
);

/** Writes the text of a run as a dataset, as somebody would who has Python alone. */
async function writeElsewhere(
  { folder, services, client }: TestCluster,
  target: string,
  { corpus, examples }: RunConfig,
): Promise<void> {
  const store = createS3ObjectStore(services.s3, silentLogger);
  const { run } = await client.status('text');
  const manifest = await readDatasetManifest(store, run.manifestKey!);
  const bytes = await readDatasetVocabulary(store, manifest);
  store.close();
  const vocabulary = join(folder, 'vocab.txt');
  writeFileSync(vocabulary, bytes);
  const tokenizer = createTokenizer(parseVocabulary(bytes, vocabulary), { doLowerCase: true });
  const lines: string[] = [];
  for await (const { sentences } of (await openCorpus(corpus!)).documents(createCorpusTally())) {
    const ids = sentences.map((sentence) => tokenizer.tokenize(sentence));
    lines.push(JSON.stringify({ text: sentences, ids }));
  }
  const settings = [String(examples.numShards), String(corpus!.heldOutRatio)];
  const written = spawnSync('python3', [writer, target, vocabulary, ...settings], {
    input: lines.join('\n'),
    encoding: 'utf8',
  });
  expect(written).toMatchObject({ status: 0, stderr: '' });
}

/** @param clusterOf - the cluster, once it runs */
export function readyDataset(clusterOf: () => TestCluster): void {
  it('trains on a dataset that Python has written as on our own of the same text', async () => {
    const cluster = clusterOf();
    const { folder, client, services } = cluster;
    const ofText = tinyRun('text', { train, cluster: { numWorkers: 1 } });
    await client.submit(ofText, 'trained');
    await cluster.until('text', 'the end', ({ run }) => isFinal(run.status));
    await writeElsewhere(cluster, join(folder, 'written'), ofText);

    const file = join(folder, 'ready.json');
    const {
      corpus: _,
      vocabulary: __,
      examples,
      ...rest
    } = tinyRunFile('ready', {
      train,
      cluster: { numWorkers: 1 },
    }) as Record<string, Record<string, unknown>>;
    const { numShards: ___, ...ofExamples } = examples!;
    const corpus = { dataset: 'written' };
    writeFileSync(file, JSON.stringify({ ...rest, corpus, examples: ofExamples }));
    expect(await berth(['train', file], { folder })).toMatchObject({ exitCode: 0 });

    const ledgerOf = (name: string) => inspectLedger(services, name, silentLogger);
    const [own, ready] = [await ledgerOf('text'), await ledgerOf('ready')];
    expect(ready).toMatchObject({ ok: true, numSteps: 6 });
    expect(ready.weightsDigest).toBe(own.weightsDigest);
    const report = await client.status('ready');
    const took = { stepMs: 0, timeMs: 0 };
    const ofOwn = await client.status('text');
    expect({ ...report.lastEval, ...took }).toEqual({ ...ofOwn.lastEval, ...took });
    expect(report.dataset?.summary).toMatch(/documents/);

    // The folder is not needed any more.
    const looked = await berth(['data', 'inspect', 'ready', '--json'], { folder });
    expect(looked).toMatchObject({ exitCode: 0 });
    expect(await berth(['replay', 'ready', '--step', '2'], { folder })).toMatchObject({
      exitCode: 0,
    });
    const again = await berth(
      ['train', file, '--set', 'name=other', '--set', 'corpus.skipBad=true'],
      {
        folder,
      },
    );
    expect(again).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/corpus\.skipBad: corpus\.dataset names a ready/) as string,
    });
  });
}
