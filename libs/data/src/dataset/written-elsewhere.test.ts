import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { datasetJobSchema, heldOutShardsOf, runConfigSchema } from '@berth/contracts';
import { afterAll, expect, it } from 'vitest';
import { createCorpusTally } from '../corpus/corpus-tally.ts';
import { openCorpus } from '../corpus/open-corpus.ts';
import { exampleSetIdOf, makeExampleShard } from '../examples/example-job.ts';
import { documents } from '../testing/dataset-bench.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { createTokenizer } from '../text/tokenizer.ts';
import { parseVocabulary } from '../text/vocabulary.ts';
import { readCorpusOrder } from './document-names.ts';
import { prepareDataset } from './prepare-dataset.ts';
import { readDatasetManifest, readDatasetVocabulary } from './read-dataset.ts';
import { readTextStatistics } from './text-statistics.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
const writer = fileURLToPath(
  new URL('../../../../tools/verify/dataset/write_dataset.py', import.meta.url),
);

it('a dataset that Python has written has the bytes of our own, and gives examples', async () => {
  const path = join(folder, 'corpus.txt');
  await writeFile(path, documents(120));
  const corpus = { path, heldOutRatio: 0.1 };
  const store = folderStore(join(folder, 'store'));
  const vocabulary = { size: 100, minFrequency: 1 };
  const asked = { corpus, vocabulary, numShards: 4, seed: 1, askedAtMs: 1 };
  const job = datasetJobSchema.parse({ kind: 'dataset', runId: 'r', ...asked });
  const own = await readDatasetManifest(store, await prepareDataset(job, store));

  const bytes = await readDatasetVocabulary(store, own);
  const vocabularyPath = join(folder, 'vocab.txt');
  await writeFile(vocabularyPath, bytes);
  const tokenizer = createTokenizer(parseVocabulary(bytes, 'vocab.txt'), { doLowerCase: true });
  const lines: string[] = [];
  const text = await openCorpus(job.corpus);
  for await (const { sentences } of text.documents(createCorpusTally())) {
    const ids = sentences.map((sentence) => tokenizer.tokenize(sentence));
    lines.push(JSON.stringify({ text: sentences, ids }));
  }
  const elsewhere = join(folder, 'elsewhere');
  const { stdout, stderr } = spawnSync('python3', [writer, elsewhere, vocabularyPath, '4', '0.1'], {
    input: lines.join('\n'),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');

  const key = stdout.trim();
  const other = folderStore(elsewhere);
  const written = await readDatasetManifest(other, key);
  const digestsOf = (manifest: typeof own): string[] =>
    [...manifest.train, ...heldOutShardsOf(manifest)].map(({ sha256 }) => sha256);
  expect(digestsOf(written)).toEqual(digestsOf(own));
  for (const [shard, part] of own.train.entries()) {
    const order = await readCorpusOrder(store, part, part.numDocuments);
    expect(order).toHaveLength(part.numDocuments);
    const same = written.train[shard]!;
    expect(await readCorpusOrder(other, same, same.numDocuments)).toEqual(order);
  }
  expect(await readTextStatistics(other, written)).toEqual(await readTextStatistics(store, own));

  const settings = runConfigSchema.shape.examples.parse({});
  const exampleFormat = 'berth-examples/3';
  const exampleSetId = exampleSetIdOf(written.datasetId, settings, 1, exampleFormat);
  const place = { split: 'train', epoch: 0, shard: 0, exampleFormat } as const;
  const common = { kind: 'examples', seed: 1, examples: settings, exampleSetId } as const;
  const made = await makeExampleShard(other, { ...common, ...place, manifestKey: key });
  expect(made.numExamples).toBeGreaterThan(0);
});
