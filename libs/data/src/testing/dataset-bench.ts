import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  datasetJobSchema,
  type DatasetHealth,
  type DatasetJob,
  type DatasetManifest,
  judgeHealth,
  type ObjectStore,
} from '@berth/contracts';
import { afterAll } from 'vitest';
import { prepareDataset, type PrepareOptions } from '../dataset/prepare-dataset.ts';
import { readDatasetManifest } from '../dataset/read-dataset.ts';
import { folderStore, temporaryFolder } from './example-fixture.ts';

const syllables = 'ba do fe gi ko lu ma ne po ri sa tu'.split(' ');
export const word = (n: number): string =>
  (syllables[n % 12] ?? '') +
  (syllables[Math.floor(n / 12) % 12] ?? '') +
  (syllables[(5 * n) % 12] ?? '');
export const sentence = (n: number): string =>
  `The ${word(7 * n)} ${word(n + 3)} a ${word(11 * n + 1)} of ${word(3 * n)}.`;

/** Documents of one sentence a line. */
export function documents(numDocuments: number, numSentences = 6): string {
  return Array.from({ length: numDocuments }, (_, document) =>
    Array.from({ length: numSentences }, (__, n) => sentence(7 * document + n)).join('\n'),
  ).join('\n\n');
}

export interface DatasetSettings {
  readonly corpus?: object;
  readonly vocabulary?: object;
  readonly known?: DatasetJob['known'];
  readonly modelVocabulary?: DatasetJob['modelVocabulary'];
}

export type Prepared = DatasetManifest & { readonly health: DatasetHealth };

export interface DatasetBench {
  readonly folder: string;
  readonly store: ObjectStore;
  /** @returns the path of a file with this content */
  readonly write: (name: string, content: string | Uint8Array) => Promise<string>;
  readonly prepare: (
    path: string,
    settings?: DatasetSettings,
    options?: PrepareOptions,
  ) => Promise<Prepared>;
}

/** What is found to be wrong with it. */
export const codesOf = ({ health, doLowerCase, heldOutRatio }: Prepared): string[] =>
  judgeHealth(health, { doLowerCase, heldOutRatio, maxSeqLength: 128 }).map(({ code }) => code);

/** A folder for corpora and a store for what is made of them, while the tests of a file last. */
export function datasetBench(): DatasetBench {
  const folder = temporaryFolder();
  const store = folderStore(join(folder, 'store'));
  afterAll(() => rm(folder, { recursive: true }));
  return {
    folder,
    store,
    async write(name, content) {
      const path = join(folder, name);
      await writeFile(path, content);
      return path;
    },
    async prepare(path, { corpus, vocabulary, known, modelVocabulary } = {}, options = {}) {
      const job = datasetJobSchema.parse({
        kind: 'dataset',
        runId: 'r',
        corpus: { path, ...corpus },
        vocabulary: { size: 100, minFrequency: 1, ...vocabulary },
        numShards: 2,
        seed: 3,
        askedAtMs: 1,
        known,
        modelVocabulary,
      });
      const manifest = await readDatasetManifest(store, await prepareDataset(job, store, options));
      const { health } = manifest;
      if (health === undefined) throw new Error('not measured');
      return { ...manifest, health };
    },
  };
}
