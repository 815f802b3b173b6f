import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  allocateBatch,
  columnOf,
  parseRunConfig,
  sha256Hex,
  tasks,
  toBerthError,
  type ColumnData,
  type ExampleBatch,
} from '@berth/contracts';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeDocumentShard, openDocumentShard } from '../dataset/document-shard.ts';
import { encodeExampleShard, openExampleShard } from '../tasks/pretraining/example-shard.ts';
import { generateExamples } from '../tasks/pretraining/generate.ts';
import { readDatasetManifest } from '../dataset/read-dataset.ts';
import { defaultSettings, folderStore, temporaryFolder } from './example-fixture.ts';
import { prepareDataset } from '../dataset/prepare-dataset.ts';
import { createVocabulary, specialTokens } from '../text/vocabulary.ts';
import { changes, mutate } from './mutate.ts';

const seed = 20261129;
const sizes = { maxSeqLength: 16, maxPredictions: 4 };
const facts = { exampleSetId: 'ab'.repeat(32), ...sizes };
const settings = { ...defaultSettings, ...facts };
const vocabulary = createVocabulary([...specialTokens, 'a', 'b', '##c', 'd']);
const sentences = [[[5, 6], [7, 8, 5], [6]], [[8, 8]], [[5], [6, 7, 7, 7, 8], [5, 5, 6, 7]]];
const documentBytes = encodeDocumentShard(
  sentences.map((one, index) => ({ hash: new Uint8Array(16).fill(index), sentences: one })),
  2,
);
const documents = openDocumentShard(documentBytes, 'documents');
const place = { vocabulary, settings, split: 'train', seed: 1, epoch: 0, shard: 0 } as const;
const examples = [...generateExamples({ documents, ...place })];

/** What the bucket may hold instead of shards: sound or damaged, never anything else. */
export function describeDamagedShards(numRuns: number): void {
  const runs = { numRuns, seed };

  it(`calls ${numRuns} mutated example shards damaged, by their digest`, () => {
    const bytes = encodeExampleShard(examples, facts);
    const digest = sha256Hex(bytes);
    fc.assert(
      fc.property(changes, (list) => {
        const mutant = mutate(bytes, list);
        fc.pre(!mutant.equals(bytes));
        expect(codeOf(() => openExampleShard(mutant, digest))).toBe('DATA_SHARD_CORRUPT');
      }),
      runs,
    );
  });

  it(`reads ${numRuns} mutated example shards of forged digests in their rows, or calls them damaged`, () => {
    const bytes = encodeExampleShard(examples, facts);
    fc.assert(
      fc.property(changes, (list) => {
        const mutant = mutate(bytes, list);
        expect([undefined, 'DATA_SHARD_CORRUPT']).toContain(
          codeOf(() => {
            const reader = openExampleShard(mutant, sha256Hex(mutant));
            for (let example = 0; example < reader.numExamples; example++) {
              const batch = untouched();
              reader.copyInto(batch, 1, example);
              requireOneRow(
                batch,
                reader.countOf('numTokens', example),
                reader.countOf('maskedWeight', example),
              );
            }
          }),
        );
      }),
      runs,
    );
  });

  it(`makes examples of ${numRuns} mutated document shards of forged digests, or calls them damaged`, () => {
    fc.assert(
      fc.property(changes, (list) => {
        const mutant = mutate(documentBytes, list);
        expect([undefined, 'DATA_SHARD_CORRUPT']).toContain(
          codeOf(() => {
            const opened = openDocumentShard(mutant, 'a shard');
            encodeExampleShard(generateExamples({ documents: opened, ...place }), facts);
          }),
        );
      }),
      runs,
    );
  });

  it(`reads ${numRuns} mutated dataset manifests, or calls them damaged`, async () => {
    const store = folderStore(temporaryFolder());
    const key = await prepareDataset(aJob(), store);
    const sound = await store.get(key);
    let mutant: Uint8Array = sound;
    const damaged = { ...store, get: async () => mutant };
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        mutant = mutate(sound, list);
        const code = await readDatasetManifest(damaged, key).then(
          () => undefined,
          (error: unknown) => toBerthError(error).code,
        );
        expect([undefined, 'DATA_SHARD_CORRUPT']).toContain(code);
      }),
      runs,
    );
  });
}

const outside = 77;

/** Three rows that nothing has been written to. */
function untouched(): ExampleBatch {
  const batch = allocateBatch(tasks.pretraining, { batchSize: 3, ...sizes });
  for (const column of Object.values(batch.columns)) column.fill(outside);
  return batch;
}

/** Only the row in the middle may have been written, and all of it has been. */
function requireOneRow(batch: ExampleBatch, numTokens: number, numPredictions: number): void {
  for (const column of Object.values(batch.columns)) {
    const length = column.length / 3;
    expect([...column.subarray(0, length), ...column.subarray(2 * length)]).toEqual(
      Array.from({ length: 2 * length }, () => outside),
    );
  }
  const row = (name: string): number[] => middleOf(columnOf(batch, name));
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
  expect(sum(row('inputMask'))).toBe(numTokens);
  expect(sum(row('maskedWeights'))).toBe(numPredictions);
  expect(Math.max(...row('segmentIds'))).toBeLessThanOrEqual(1);
  expect(Math.max(...row('maskedPositions'))).toBeLessThan(Math.max(1, numTokens));
  expect(row('nextSentenceLabels')[0]).toBeLessThanOrEqual(1);
}

function middleOf(column: ColumnData): number[] {
  return [...column.subarray(column.length / 3, (2 * column.length) / 3)];
}

function aJob(): Parameters<typeof prepareDataset>[0] {
  const path = join(temporaryFolder(), 'a.txt');
  const pangrams =
    'Sphinx of black quartz, judge my vow.\nIt slept.\n\nPack my box with five dozen liquor jugs.\nThey ran.\n\n';
  writeFileSync(path, pangrams.repeat(20));
  const input = { name: 'r', corpus: { path }, vocabulary: { size: 64, minFrequency: 1 } };
  const { corpus, vocabulary: settingsOfIt } = parseRunConfig(input, 'test');
  return {
    kind: 'dataset',
    runId: 'r',
    numShards: 2,
    askedAtMs: 1,
    vocabulary: settingsOfIt,
    seed: 1,
    corpus: corpus!,
  };
}

/** The code of what some work throws. */
export function codeOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return toBerthError(error).code;
  }
}
