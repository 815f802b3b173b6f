import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';

import { join } from 'node:path';
import { datasetJobSchema } from '@berth/contracts';
import { afterAll, expect, it } from 'vitest';
import { sentence } from '../testing/dataset-bench.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { prepareDataset } from './prepare-dataset.ts';
import { readDatasetManifest } from './read-dataset.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
const mebibyte = 2 ** 20;

/** Documents of two kinds: of a line, and of many. */
async function writeCorpus(path: string, numBytes: number): Promise<void> {
  const file = createWriteStream(path);
  for (let [written, n] = [0, 0]; written < numBytes; n++) {
    const numSentences = n % 50 === 0 ? 400 : 3;
    const lines = Array.from({ length: numSentences }, (_, at) => `${n} ${sentence(n + 7 * at)}`);
    const text = `${lines.join('\n')}\n\n`;
    written += text.length;
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}

it('a dataset of several chunks is made in 400 MB of heap and buffers, whatever is in it', async () => {
  const numBytes = 108 * mebibyte;
  const path = join(folder, 'corpus.txt');
  await writeCorpus(path, numBytes);
  const store = folderStore(join(folder, 'store'));
  const asked = { corpus: { path }, vocabulary: { size: 400 }, numShards: 4 };
  const place = { kind: 'dataset', runId: 'r', seed: 1, askedAtMs: 1 };
  const job = datasetJobSchema.parse({ ...place, ...asked });
  let peak = 0;
  const watch = setInterval(() => {
    const { heapUsed, external } = process.memoryUsage();
    peak = Math.max(peak, heapUsed + external);
  }, 10);
  const manifest = await readDatasetManifest(store, await prepareDataset(job, store));
  clearInterval(watch);
  expect(manifest.health?.numBytes).toBeGreaterThanOrEqual(numBytes);
  expect(peak / mebibyte).toBeLessThan(400);
});
