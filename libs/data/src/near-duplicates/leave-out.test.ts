import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  datasetJobSchema,
  describeHealth,
  heldOutShardsOf,
  type DatasetFlowJob,
  type DatasetJob,
  type DatasetManifest,
  type DocumentShard,
  type JobFlow,
  type ObjectStore,
} from '@berth/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { readDatasetManifest, readDocumentShard } from '../dataset/read-dataset.ts';
import { getPart } from '../dataset/stored-part.ts';
import { sentencesOf } from '../dataset/token-documents.ts';
import { parseVocabulary } from '../text/vocabulary.ts';
import { prepareDataset } from '../dataset/prepare-dataset.ts';
import { MersenneTwister } from '../random/mersenne-twister.ts';
import { decideNext } from '../preparation/decide-next.ts';
import { doDatasetJob, putRequest } from '../preparation/do-dataset-job.ts';
import { optionsIdOf } from '../preparation/make-vocabulary.ts';
import { takeAnswer } from '../preparation/take-answer.ts';
import { lookWhatIsThere } from '../preparation/what-is-there.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
let num = 0;
const newStore = (): ObjectStore => folderStore(join(folder, `store-${num++}`));

const chance = new MersenneTwister(3);
const word = (): string => `w${Math.floor(300 ** chance.random())}`;
const sentence = (): string => `${Array.from({ length: 9 }, word).join(' ')}.`;
const originals = Array.from({ length: 120 }, () =>
  Array.from({ length: 10 }, sentence).join('\n'),
);
/** With a word more. */
const copies = originals.slice(0, 60).map((text) => text.replace('.', ' copied.'));
const all = [...originals, ...copies];

async function corpusOf(texts: readonly string[]): Promise<string> {
  const path = join(folder, `corpus-${num++}.txt`);
  await writeFile(path, texts.join('\n\n'));
  return path;
}

function jobOf(corpus: object, vocabulary: object = {}): DatasetJob {
  return datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'r',
    corpus: { heldOutRatio: 0.2, nearDuplicates: 0.8, ...corpus },
    vocabulary: { size: 120, minFrequency: 1, ...vocabulary },
    numShards: 3,
    seed: 3,
    askedAtMs: 1,
  });
}

async function make(job: DatasetJob, store = newStore()): Promise<DatasetManifest> {
  return readDatasetManifest(store, await prepareDataset(job, store));
}

const digestsOf = (manifest: DatasetManifest): string[] =>
  [...manifest.train, ...heldOutShardsOf(manifest)].map(({ sha256 }) => sha256);

/** Makes it by three workers at a time, who take jobs from the last on. */
async function makeByThree(job: DatasetJob, store: ObjectStore): Promise<DatasetManifest> {
  const asked = { request: job, requestId: await putRequest(store, job), keepsText: false };
  const work = async ({ job: one, after = [] }: JobFlow<DatasetFlowJob>): Promise<unknown> => {
    const left = [...after];
    const worker = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await work(next);
    };
    await Promise.all([worker(), worker(), worker()]);
    return doDatasetJob(one, store);
  };
  for (let answers: ReturnType<typeof takeAnswer> = {}; ;) {
    const there = await lookWhatIsThere(store, answers, optionsIdOf(job, answers.given));
    const next = decideNext(asked, answers, there);
    if (next.kind === 'there') return readDatasetManifest(store, next.manifestKey);
    answers = takeAnswer(answers, next.flow.job, await work(next.flow));
    if (answers.manifestKey !== undefined) return readDatasetManifest(store, answers.manifestKey);
  }
}

/** Which originals are in some shards, as themselves or as a copy: by the text of their first sentence. */
async function originalsIn(
  store: ObjectStore,
  manifest: DatasetManifest,
  shards: readonly DocumentShard[],
): Promise<string[]> {
  const { tokens } = parseVocabulary(await getPart(store, manifest.vocabulary), 'vocab.txt');
  const found: string[] = [];
  for (const shard of shards)
    for (const [first = []] of sentencesOf(await readDocumentShard(store, shard)))
      found.push(
        first
          .map((id) => tokens[id])
          .join(' ')
          .replace(' copied', ''),
      );
  return found;
}

describe('a dataset without near duplicates', () => {
  it('has one of each, on one side of the split, whoever makes it and in whatever order', async () => {
    const store = newStore();
    const manifest = await make(jobOf({ path: await corpusOf(all) }), store);
    expect(manifest.health).toMatchObject({ numDocuments: 120, numNearDuplicates: 60 });
    expect(describeHealth(manifest.health!)).toContain('60 near duplicates');
    const trained = await originalsIn(store, manifest, manifest.train);
    const heldOut = await originalsIn(store, manifest, heldOutShardsOf(manifest));
    expect(heldOut.length).toBeGreaterThan(10);
    expect(new Set([...trained, ...heldOut]).size).toBe(120);
    expect(await store.list(`datasets/${manifest.datasetId}/runs/`)).toEqual([]);
    const turned = await make(jobOf({ path: await corpusOf(all.toReversed()) }));
    expect(digestsOf(turned)).toEqual(digestsOf(manifest));
  });

  it('is the one of a corpus that never had what was left out', async () => {
    const store = newStore();
    const manifest = await make(jobOf({ path: await corpusOf(all) }), store);
    const vocabulary = { path: join(folder, 'vocab.txt') };
    await writeFile(vocabulary.path, await getPart(store, manifest.vocabulary));
    const kept = new Set<string>();
    for (const { names } of [...manifest.train, ...heldOutShardsOf(manifest)])
      for (const line of Buffer.from(await getPart(store, names!))
        .toString()
        .trimEnd()
        .split('\n'))
        kept.add((JSON.parse(line) as [string])[0]);
    // A document is named by its line; each has ten and a blank one.
    const rest = all.filter((_, n) => [...kept].some((name) => name.endsWith(`:${11 * n + 1}`)));
    expect(rest).toHaveLength(120);
    const without = await make(jobOf({ path: await corpusOf(rest) }, vocabulary));
    expect(digestsOf(without)).toEqual(digestsOf(manifest));
    expect(without.health?.numNearDuplicates).toBe(0);
  });

  it('keeps those of other parts, but for what is held out, and equal copies where these are kept', async () => {
    const parts = [
      { name: 'a', path: await corpusOf(originals) },
      { name: 'b', path: await corpusOf(copies) },
      {
        name: 'c',
        path: await corpusOf([...copies, ...originals.slice(0, 60), ...originals.slice(0, 9)]),
      },
    ];
    const job = jobOf({ parts, duplicates: 'keep' });
    const store = newStore();
    const manifest = await makeByThree(job, store);
    expect(digestsOf(manifest)).toEqual(digestsOf(await make(job)));
    const heldOut = new Set(await originalsIn(store, manifest, heldOutShardsOf(manifest)));
    for (const part of ['a', 'b', 'c']) {
      const shards = manifest.train.filter((shard) => shard.part === part);
      const trained = await originalsIn(store, manifest, shards);
      expect(trained.filter((one) => heldOut.has(one))).toEqual([]);
      const numCopies = trained.length - new Set(trained).size;
      expect(trained.length - numCopies).toBeGreaterThan(30);
      expect(numCopies > 0).toBe(part === 'c');
    }
  });

  it.each(['signatures-', 'left-out'])(
    'is made though its %s are damaged or gone',
    async (what) => {
      const job = jobOf({ path: await corpusOf(all) });
      const expected = await make(job);
      for (const harm of ['delete', 'cut'] as const) {
        const store = newStore();
        let isHarmed = false;
        const harmed: ObjectStore = {
          ...store,
          async get(key, options) {
            if (key.includes(`/runs/${what}`) && !isHarmed) {
              isHarmed = true;
              if (harm === 'delete') await store.delete(key);
              else await store.put(key, (await store.get(key)).slice(40));
            }
            return store.get(key, options);
          },
        };
        expect(await make(job, harmed)).toEqual(expected);
        expect(isHarmed).toBe(true);
      }
    },
  );

  it('is refused where nothing would be left to train on', async () => {
    const text = originals[0]!;
    const corpus = {
      path: await corpusOf([text, text.replace('.', ' more.')]),
      heldOutRatio: 1e-9,
    };
    await expect(make(jobOf(corpus, { size: 64 }))).rejects.toMatchObject({
      code: 'DATA_CORPUS_EMPTY',
      message: expect.stringContaining('raise corpus.nearDuplicates') as string,
    });
  });
});
