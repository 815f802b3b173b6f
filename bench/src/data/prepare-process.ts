import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createS3ObjectStore } from '@berth/checkpoint';
import {
  datasetJobSchema,
  heldOutShardsOf,
  parseRunConfig,
  silentLogger,
  type ObjectStore,
  type S3Place,
} from '@berth/contracts';
import {
  createDatasetCache,
  createTokenizer,
  createWordCounter,
  decodeWordCounts,
  exampleSetIdOf,
  prepareDataset,
  makeExampleShard,
  parseVocabulary,
  readDatasetManifest,
  serializeVocabulary,
  trainVocabulary,
} from '@berth/data';

/** What is measured: lines to token ids, lines to a vocabulary, or all that is done of a corpus, with examples or without. */
export type PrepareWork = 'tokenise' | 'train' | 'dataset' | 'examples';

export interface PrepareSetting {
  readonly work: PrepareWork;
  readonly s3: S3Place;
  readonly text: string;
  /** A vocab.txt; trained when left out. */
  readonly vocabulary?: string;
  readonly vocabularySize: number;
  readonly maxSeqLength: number;
  readonly maxPredictions: number;
}

/** What a process that does it alone answers. */
export interface PrepareAnswer {
  readonly cpuSeconds: number;
  readonly peakMb: number;
  readonly numTokens: number;
  readonly numExamples: number;
  /** The vocabulary that was used. */
  readonly vocabulary: string;
  /** By the kind of job, where there are any. */
  readonly cpuSecondsByStage: Readonly<Record<string, number>>;
}

const linesOfABatch = 1_000;

type Counts = Pick<PrepareAnswer, 'numTokens' | 'numExamples' | 'vocabulary'>;

async function tokenise({ text, vocabulary = '' }: PrepareSetting): Promise<Counts> {
  const bytes = readFileSync(vocabulary);
  const tokenizer = createTokenizer(parseVocabulary(bytes, vocabulary), { doLowerCase: true });
  let numTokens = 0;
  for await (const line of linesOf(text)) numTokens += tokenizer.tokenize(line).length;
  return { numTokens, numExamples: 0, vocabulary: bytes.toString() };
}

async function train({ text, vocabularySize: size }: PrepareSetting): Promise<Counts> {
  const counter = createWordCounter({ doLowerCase: true });
  let lines: string[] = [];
  for await (const line of linesOf(text)) {
    lines.push(line);
    if (lines.length < linesOfABatch) continue;
    await counter.add(lines);
    lines = [];
  }
  await counter.add(lines);
  const vocabulary = serializeVocabulary(
    await trainVocabulary(decodeWordCounts(await counter.encode()), { size, minFrequency: 2 }),
  );
  return { numTokens: 0, numExamples: 0, vocabulary: Buffer.from(vocabulary).toString() };
}

async function prepare(store: ObjectStore, setting: PrepareSetting): Promise<Counts> {
  const { work, text, vocabulary, vocabularySize, maxSeqLength, maxPredictions } = setting;
  const { corpus, seed, examples, ...config } = parseRunConfig(
    {
      name: 'measured',
      corpus: { path: text, sentenceMode: 'lines' },
      vocabulary: vocabulary === undefined ? { size: vocabularySize } : { path: vocabulary },
      examples: { maxSeqLength, maxPredictions },
    },
    'berth bench',
  );
  const job = datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'measured',
    corpus,
    vocabulary: config.vocabulary,
    numShards: examples.numShards,
    seed,
    askedAtMs: 0,
  });
  const manifestKey = await prepareDataset(job, store, { onJob: ({ kind }) => stages.begin(kind) });
  stages.begin('examples');
  const manifest = await readDatasetManifest(store, manifestKey);
  let numExamples = 0;
  const heldOut = heldOutShardsOf(manifest);
  if (work === 'examples') {
    const exampleSetId = exampleSetIdOf(manifest.datasetId, examples, seed);
    const read = createDatasetCache(256 * 1024 ** 2);
    const common = { kind: 'examples', exampleSetId, manifestKey, seed, examples } as const;
    for (let shard = 0; shard < manifest.train.length; shard++)
      numExamples += (
        await makeExampleShard(store, { ...common, split: 'train', epoch: 0, shard }, read)
      ).numExamples;
    for (let shard = 0; shard < heldOut.length; shard++)
      numExamples += (
        await makeExampleShard(store, { ...common, split: 'heldOut', epoch: 0, shard }, read)
      ).numExamples;
  }
  return {
    numTokens: [...manifest.train, ...heldOut].reduce((sum, shard) => sum + shard.numTokens, 0),
    numExamples,
    vocabulary: Buffer.from(await store.get(manifest.vocabulary.key)).toString(),
  };
}

/** Processor time by what was begun last. */
function createStages(): { begin(stage: string): void; readonly seconds: Record<string, number> } {
  const seconds: Record<string, number> = {};
  let [stage, before] = ['start', process.cpuUsage()];
  return {
    seconds,
    begin(next) {
      const { user, system } = process.cpuUsage(before);
      seconds[stage] = (seconds[stage] ?? 0) + (user + system) / 1e6;
      [stage, before] = [next, process.cpuUsage()];
    },
  };
}

function linesOf(path: string): AsyncIterable<string> {
  return createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
}

const setting = JSON.parse(process.argv[2] ?? '') as PrepareSetting;
const store = createS3ObjectStore(setting.s3, silentLogger);
const before = process.cpuUsage();
const stages = createStages();
const counts =
  setting.work === 'tokenise'
    ? await tokenise(setting)
    : setting.work === 'train'
      ? await train(setting)
      : await prepare(store, setting);
const { user, system } = process.cpuUsage(before);
stages.begin('end');
store.close();
const answer: PrepareAnswer = {
  ...counts,
  cpuSeconds: (user + system) / 1e6,
  cpuSecondsByStage: stages.seconds,
  peakMb: process.resourceUsage().maxRSS / 1_024,
};
process.stdout.write(`${JSON.stringify(answer)}\n`);
