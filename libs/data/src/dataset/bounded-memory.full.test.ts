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

it('a dataset takes no more memory for three times the text', async () => {
  const peaks: number[] = [];
  for (const numBytes of [36 * mebibyte, 108 * mebibyte]) {
    const path = join(folder, `${numBytes}.txt`);
    await writeCorpus(path, numBytes);
    const store = folderStore(join(folder, `store-${numBytes}`));
    const asked = { corpus: { path }, vocabulary: { size: 400 }, numShards: 4 };
    const job = datasetJobSchema.parse({
      kind: 'dataset',
      runId: 'r',
      seed: 1,
      askedAtMs: 1,
      ...asked,
    });
    let peak = 0;
    const watch = setInterval(() => {
      const { heapUsed, external } = process.memoryUsage();
      peak = Math.max(peak, heapUsed + external);
    }, 10);
    const manifest = await readDatasetManifest(store, await prepareDataset(job, store));
    clearInterval(watch);
    expect(manifest.health?.numBytes).toBeGreaterThanOrEqual(numBytes);
    peaks.push(peak / mebibyte);
  }
  console.log(peaks);
  expect(peaks[1]).toBeLessThan(peaks[0]! + 64);
  expect(peaks[1]).toBeLessThan(400);
});
