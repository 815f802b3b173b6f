import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabelledDataset, LabelledDatasetJob, ObjectStore } from '@berth/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { readLabelledDataset } from '../../dataset/read-dataset.ts';
import { folderStore, temporaryFolder } from '../../testing/example-fixture.ts';
import { specialTokens } from '../../text/vocabulary.ts';
import { readDatasetHeldOutRows } from './held-out-rows.ts';
import { prepareLabelledDataset } from './prepare-labelled-dataset.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));

let numFiles = 0;
async function written(suffix: string, text: string): Promise<string> {
  const own = join(folder, String(numFiles++));
  await mkdir(own);
  const path = join(own, `rows.${suffix}`);
  await writeFile(path, text);
  return path;
}
const newStore = (): ObjectStore => folderStore(join(folder, String(numFiles++)));
const vocabulary = await written('txt', [...specialTokens, 'a', 'b', 'cat', 'dog'].join('\n'));

const jsonl = (rows: readonly object[]): Promise<string> =>
  written('jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
const animals = (from: number, to: number): object[] =>
  Array.from({ length: to - from }, (_, row) => ({
    text: `a ${'b '.repeat((from + row) % 7)} ${row % 2 === 0 ? 'cat' : 'dog'} ${from + row}`,
    label: row % 2 === 0 ? 'cat' : 'dog',
  }));

function jobOf(
  task: Partial<LabelledDatasetJob['task']> & { readonly train: string },
  change: Partial<LabelledDatasetJob> = {},
): LabelledDatasetJob {
  return {
    kind: 'labelledDataset',
    runId: 'r',
    task: { kind: 'classify', ...task },
    vocabulary: { path: vocabulary, size: 9, minFrequency: 1, doLowerCase: true },
    maxSeqLength: 16,
    numShards: 4,
    askedAtMs: 1,
    ...change,
  };
}

async function prepared(
  store: ObjectStore,
  job: LabelledDatasetJob,
): Promise<LabelledDataset & { readonly manifestKey: string }> {
  const manifestKey = await prepareLabelledDataset(job, store);
  return { ...(await readLabelledDataset(store, manifestKey)), manifestKey };
}
const numTrained = ({ train }: LabelledDataset): number =>
  train.reduce((sum, { numExamples }) => sum + numExamples, 0);

describe('a labelled dataset', () => {
  it('says what it is for, and has each row in one split', async () => {
    const dataset = await prepared(newStore(), jobOf({ train: await jsonl(animals(0, 200)) }));
    expect(dataset.fineTuning).toEqual({ kind: 'classify', labels: ['cat', 'dog'] });
    expect(dataset.labelCounts).toEqual([100, 100]);
    const numHeldOut = dataset.heldOut.numExamples;
    expect(numTrained(dataset) + numHeldOut).toBe(200);
    expect(numHeldOut).toBeGreaterThan(8);
    expect(numHeldOut).toBeLessThan(40);
  });

  it('tells of its held-out rows, where these have a file of their own', async () => {
    const store = newStore();
    const [train, evaluated] = [await jsonl(animals(0, 30)), await jsonl(animals(30, 35))];
    const dataset = await prepared(store, jobOf({ train, eval: evaluated }));
    expect([numTrained(dataset), dataset.heldOut.numExamples]).toEqual([30, 5]);
    const rows = await readDatasetHeldOutRows(store, dataset);
    expect(rows).toHaveLength(5);
    expect(rows[4]).toMatchObject({ place: { at: 'line 5' } });
  });

  it('is the same whenever and wherever it is made, and moves no row when others are added', async () => {
    const train = await jsonl(animals(0, 60));
    const [one, other] = [newStore(), newStore()];
    const first = await prepared(one, jobOf({ train }));
    expect(await prepared(other, jobOf({ train }, { askedAtMs: 2 }))).toEqual(first);
    const more = await prepared(one, jobOf({ train: await jsonl(animals(0, 90)) }));
    const textsOf = async (dataset: LabelledDataset): Promise<string[]> =>
      (await readDatasetHeldOutRows(one, dataset)).map((row) => JSON.stringify(row, ['texts']));
    expect(await textsOf(more)).toEqual(expect.arrayContaining(await textsOf(first)));
  });

  it('keeps questions about one context, and rows that are equal but for their ids, on one side', async () => {
    const context = (row: number): string => `a cat ${Math.floor(row / 5)} b`;
    const questions = Array.from({ length: 100 }, (_, row) => ({
      question: `a ${row}`,
      context: context(row),
      answers: [{ text: 'cat', answer_start: 2 }],
    }));
    const store = newStore();
    const train = await jsonl(questions);
    const job = jobOf({
      kind: 'answer',
      train,
      heldOutRatio: 0.3,
      maxQueryLength: 3,
      docStride: 4,
    });
    const rows = await readDatasetHeldOutRows(store, await prepared(store, job));
    const contexts = rows.flatMap((row) => ('question' in row ? row.question.context : []));
    expect(new Set(contexts).size * 5).toBe(rows.length);
    expect(rows.length).toBeLessThan(100);
  });

  it('makes lost shards again, and what is told of held-out rows, the same', async () => {
    const store = newStore();
    const train = await jsonl(animals(0, 40));
    const { manifestKey, train: shards, heldOutRows } = await prepared(store, jobOf({ train }));
    const again = jobOf({ train }, { known: { manifestKey, isTrainedOn: true }, askedAtMs: 2 });
    for (const { key } of [shards[1]!, heldOutRows]) {
      const before = await store.get(key);
      await store.delete(key);
      expect(await prepareLabelledDataset(again, store)).toBe(manifestKey);
      expect(await store.get(key)).toEqual(before);
    }
    await store.delete(heldOutRows.key);
    const elsewhere = { ...again.task, train: await jsonl(animals(0, 40)) };
    await expect(
      prepareLabelledDataset({ ...again, task: elsewhere }, store),
    ).rejects.toMatchObject({ message: expect.stringContaining('put them back where they were') });
  });

  it('is that of before where only the place of the file is another, and refused where a run was trained on other rows', async () => {
    const store = newStore();
    const { manifestKey } = await prepared(store, jobOf({ train: await jsonl(animals(0, 40)) }));
    const known = { manifestKey, isTrainedOn: true };
    const moved = jobOf({ train: await jsonl(animals(0, 40)) }, { known });
    expect(await prepareLabelledDataset(moved, store)).toBe(manifestKey);
    const numBefore = (await store.list('')).length;
    const other = jobOf({ train: await jsonl(animals(0, 41)) }, { known });
    await expect(prepareLabelledDataset(other, store)).rejects.toMatchObject({
      code: 'DATA_MISMATCH',
      message: expect.stringContaining(
        `other examples than ${other.task.train} now give`,
      ) as string,
    });
    expect(await store.list('')).toHaveLength(numBefore);
    const untrained = { ...other, known: { manifestKey, isTrainedOn: false } };
    expect(await prepareLabelledDataset(untrained, store)).not.toBe(manifestKey);
  });

  it('is not read again where the files have the bytes that it was made of', async () => {
    const store = newStore();
    const train = await jsonl(animals(0, 1_200));
    const told: string[] = [];
    const tell = (progress: string): void => void told.push(progress);
    const manifestKey = await prepareLabelledDataset(jobOf({ train }), store, { tell });
    expect(told).not.toEqual([]);
    told.length = 0;
    const again = jobOf({ train }, { known: { manifestKey, isTrainedOn: true }, askedAtMs: 2 });
    expect(await prepareLabelledDataset(again, store, { tell })).toBe(manifestKey);
    expect(told).toEqual([]);
    const known = { manifestKey, isTrainedOn: false };
    const shorter = jobOf({ train }, { known, maxSeqLength: 8 });
    expect(await prepareLabelledDataset(shorter, store)).not.toBe(manifestKey);
  });

  it.each<readonly [string, Partial<LabelledDatasetJob['task']>, readonly object[], string]>([
    ['nothing is held out', { heldOutRatio: 1e-9 }, animals(0, 9), 'no row is held out'],
    ['all is held out', { heldOutRatio: 1 - 1e-9 }, animals(0, 9), 'all rows are held out'],
    [
      'a class has a weight and no row',
      { classWeights: { cow: 2 } },
      animals(0, 9),
      '"cow" is none of the labels, which are "cat", "dog"',
    ],
    [
      'the labels are hardly any',
      {},
      Array.from({ length: 1001 }, (_, row) => ({ text: 'a', label: `text ${row}` })),
      'has 1001 different labels, and at most 1000 can be learnt: is it the right column?',
    ],
    [
      'an id comes twice',
      { kind: 'regress' },
      [
        { id: 1, text: 'a', label: 1 },
        { id: 1, text: 'b', label: 2 },
      ],
      'line 2: has the id of line 1',
    ],
  ])('is refused when %s', async (_, task, rows, message) => {
    const job = jobOf({ ...task, train: await jsonl(rows) });
    await expect(prepareLabelledDataset(job, newStore())).rejects.toThrow(message);
  });

  it('is not read from elsewhere than runs may read', async () => {
    const job = jobOf({ train: await jsonl(animals(0, 9)) });
    const outside = { roots: [join(folder, 'none')] };
    await expect(prepareLabelledDataset(job, newStore(), outside)).rejects.toMatchObject({
      code: 'DATA_CORPUS_NOT_FOUND',
    });
  });
});
