import {
  corpusText,
  BerthError,
  heldOutShardsOf,
  sha256Hex,
  taskNameOf,
  type CorpusConfig,
  type DatasetManifest,
  type ExamplesConfig,
  type ObjectStore,
} from '@berth/contracts';
import {
  inTurns,
  openCorpus,
  packDocuments,
  readDocumentShard,
  readTextStatistics,
  taskExamples,
  type BaselineMeter,
  type ExampleShardReader,
  type TokenDocuments,
} from '@berth/data';
import { requireNotFineTuned, type OpenModel } from '../models/open-model.ts';

/** Examples to measure models on: the same documents, pairs and masks, whoever asks. */
export interface HeldOutExamples {
  readonly settings: ExamplesConfig;
  /** Of their shards, in order. */
  readonly readers: readonly ExampleShardReader[];
  readonly numDocuments: number;
  readonly baselines: BaselineMeter;
}

/** Most tokens of a corpus that examples are made of: about as many as anyone evaluates on, 32 MB. */
const maxTokens = 16_000_000;

/**
 * Makes the examples of a corpus, or of a run's own held-out documents, by the settings of its run.
 * @param options - no corpus for the run's own, no length for that of its examples
 * @throws BerthError `MODEL_INPUT_INVALID` when there is neither, or for a length that the model lacks positions for;
 * `DATA_CORPUS_*`, and what the store throws
 */
export async function heldOutExamples(
  store: () => ObjectStore,
  model: OpenModel,
  options: {
    readonly corpus?: CorpusConfig | undefined;
    readonly maxSeqLength?: number | undefined;
  },
): Promise<HeldOutExamples> {
  const { corpus } = options;
  const { dataset, where, tokenizer, source } = model;
  requireNotFineTuned(model);
  if (corpus === undefined && dataset === undefined)
    throw new BerthError(
      'MODEL_INPUT_INVALID',
      `${where} is of no run, so it has no held-out documents of its own: say --on and a corpus`,
    );
  const shards =
    corpus === undefined ? await ownDocuments(store(), dataset!) : [await tokenised(model, corpus)];
  const numDocuments = shards.reduce(
    (sum, { documentStarts }) => sum + documentStarts.length - 1,
    0,
  );
  if (numDocuments === 0)
    throw new BerthError(
      'DATA_CORPUS_EMPTY',
      `${where} was trained with corpus.heldOutRatio 0, so nothing is held out: say --on and a corpus`,
    );
  const { maxPositions } = source.model;
  const { maxSeqLength = Math.min(model.examples.maxSeqLength, maxPositions) } = options;
  if (maxSeqLength > maxPositions)
    throw new BerthError(
      'MODEL_INPUT_INVALID',
      `Examples of up to ${maxSeqLength} tokens are too long: ${where} takes at most ${maxPositions}`,
    );
  const settings = withLength(model.examples, maxSeqLength);
  const task = taskExamples[taskNameOf(settings)];
  const readers: ExampleShardReader[] = [];
  for (const [shard, documents] of shards.entries()) {
    const request = {
      documents,
      vocabulary: tokenizer.vocabulary,
      settings,
      format: model.exampleFormat,
      textRules: corpus === undefined ? dataset?.textRules : undefined,
      exampleSetId: '0'.repeat(64),
      split: 'heldOut' as const,
      // Held-out examples ignore it.
      seed: 0,
      epoch: 0,
      shard,
    };
    const bytes = await inTurns(task.make(request));
    readers.push(task.open(bytes, sha256Hex(bytes)));
  }
  const statistics = dataset && (await readTextStatistics(store(), dataset));
  return { settings, readers, numDocuments, baselines: task.baselines(statistics) };
}

/** A run's own held-out documents; of very many those in the first shards, which are as good a sample as any. */
async function ownDocuments(
  store: ObjectStore,
  dataset: DatasetManifest,
): Promise<TokenDocuments[]> {
  const shards: TokenDocuments[] = [];
  let numTokens = 0;
  for (const shard of heldOutShardsOf(dataset)) {
    numTokens += shard.numTokens;
    if (shards.length > 0 && numTokens > maxTokens) break;
    shards.push(await readDocumentShard(store, shard));
  }
  return shards;
}

/** The same share of masks in examples of another length. */
function withLength(examples: ExamplesConfig, maxSeqLength: number): ExamplesConfig {
  const { maxPredictions, maxSeqLength: length } = examples;
  const most = Math.ceil((maxPredictions * maxSeqLength) / length);
  return { ...examples, maxSeqLength, maxPredictions: most };
}

/**
 * The documents of a corpus. Of one that is too large every second is left out as often as it takes, so that what stays is even
 * over the whole.
 */
async function tokenised(
  { tokenizer }: Pick<OpenModel, 'tokenizer'>,
  config: CorpusConfig,
): Promise<TokenDocuments> {
  const corpus = await openCorpus(config, { setting: '--on' });
  let kept: { readonly sentences: number[][]; readonly numTokens: number }[] = [];
  let numTokens = 0;
  let every = 1;
  let index = 0;
  for await (const document of corpus.documents()) {
    if (index++ % every !== 0) continue;
    const sentences = document.sentences
      .map((text) => tokenizer.tokenize(text))
      .filter(({ length }) => length > 0);
    if (sentences.length === 0) continue;
    const count = sentences.reduce((sum, { length }) => sum + length, 0);
    kept.push({ sentences, numTokens: count });
    numTokens += count;
    while (numTokens > maxTokens && kept.length > 1) {
      every *= 2;
      kept = kept.filter((_, place) => place % 2 === 0);
      numTokens = kept.reduce((sum, one) => sum + one.numTokens, 0);
    }
  }
  if (kept.length === 0)
    throw new BerthError(
      'DATA_CORPUS_EMPTY',
      `corpus ${corpusText(config)} has no document with text: point --on at text`,
    );
  return packDocuments(kept.map(({ sentences }) => sentences));
}
