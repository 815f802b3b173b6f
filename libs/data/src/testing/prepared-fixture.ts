import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  parseRunConfig,
  type DatasetManifest,
  type ExamplesConfig,
  type ObjectStore,
} from '@berth/contracts';
import { prepareDataset } from '../dataset/prepare-dataset.ts';
import { readDatasetManifest } from '../dataset/read-dataset.ts';
import { exampleSetIdOf } from '../examples/example-job.ts';
import type { ExamplesOfSet } from '../replay/replay-examples.ts';
import { folderStore, goldenBytes, temporaryFolder } from './example-fixture.ts';

/** A dataset of the golden excerpt, made from a file as a run's is. */
export interface PreparedDataset {
  readonly folder: string;
  readonly store: ObjectStore;
  readonly manifestKey: string;
  readonly manifest: DatasetManifest;
  /** The example set of these settings. */
  readonly setOf: (examples: Partial<ExamplesConfig>, exampleFormat?: string) => ExamplesOfSet;
}

export async function preparedExcerpt(seed = 7): Promise<PreparedDataset> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'excerpt.txt'), goldenBytes('excerpt.txt'));
  writeFileSync(join(folder, 'vocab.txt'), goldenBytes('vocab-8192.txt'));
  const store = folderStore(join(folder, 'store'));
  const config = parseRunConfig(
    {
      name: 'a',
      seed,
      corpus: { path: join(folder, 'excerpt.txt'), sentenceMode: 'lines', heldOutRatio: 0.2 },
      vocabulary: { path: join(folder, 'vocab.txt') },
      examples: { maxSeqLength: 64, maxPredictions: 10, numShards: 4, shuffleWindowShards: 2 },
    },
    'test',
  );
  const { corpus, vocabulary, examples } = config;
  const manifestKey = await prepareDataset(
    {
      kind: 'dataset',
      runId: 'a',
      corpus: corpus!,
      vocabulary,
      numShards: examples.numShards,
      seed,
      askedAtMs: 0,
    },
    store,
  );
  const manifest = await readDatasetManifest(store, manifestKey);
  return {
    folder,
    store,
    manifestKey,
    manifest,
    setOf(change, exampleFormat) {
      const settings = { ...examples, ...change };
      const exampleSetId = exampleSetIdOf(manifest.datasetId, settings, seed, exampleFormat);
      return { exampleSetId, exampleFormat, manifestKey, seed, examples: settings };
    },
  };
}
