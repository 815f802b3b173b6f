import {
  BerthError,
  sha256Hex,
  type Cursor,
  type DatasetManifest,
  type ExamplesJob,
  type ExampleShard,
  type ObjectStore,
  type ShownExample,
  type ShownSource,
  type Task,
} from '@berth/contracts';
import { createDatasetCache } from '../dataset/dataset-cache.ts';
import {
  documentOfToken,
  hashOfDocument,
  sentenceOfToken,
  startOfDocument,
  type TokenSource,
} from '../dataset/token-documents.ts';
import { openExamplesJob, type OpenExamplesJob } from '../examples/example-job.ts';
import { epochShardsOf } from '../sampling/epoch-shards.ts';
import { createSampler, type ExampleRef } from '../sampling/sampler.ts';
import { inTurns } from '../text/work.ts';
import { nameSources } from './name-sources.ts';
import { showRow } from './show-example.ts';

/** What an example job needs besides its place. */
export type ExamplesOfSet = Omit<ExamplesJob, 'kind' | 'split' | 'epoch' | 'shard'>;

export interface ReplayOptions {
  readonly store: ObjectStore;
  readonly manifest: DatasetManifest;
  readonly set: ExamplesOfSet;
  /** What is known of stored shards; the others are made again, in memory. */
  readonly known: (epoch: number, shard: number) => Promise<ExampleShard | undefined>;
  /** Told of each shard that is made. */
  readonly onShard?: (epoch: number, shard: number) => void;
}

/** Some examples of the stream, made again. */
export interface Replay {
  /** In the order in which a step has them. */
  readonly examples: readonly ShownExample[];
  /** What they add to the task's sums that are known without a model, by name. */
  readonly sums: Readonly<Record<string, number>>;
  /** The cursor behind them. */
  readonly next: Cursor;
}

/** Documents that are kept open: more are read again. */
const maxOpenBytes = 2 ** 28;
const maxNamesBytes = 2 ** 28;

/**
 * Makes the examples from a cursor on again, of the dataset alone, and says what each is made of. Nothing is stored. One
 * shard of examples is in memory at a time, with the documents that it is made of.
 * @throws BerthError `DATA_SHARD_CORRUPT` when a shard is known and comes out with other bytes; and as `makeExampleShard`
 */
export async function replayExamples(
  options: ReplayOptions,
  from: Cursor,
  numExamples: number,
): Promise<Replay> {
  const { store, manifest, set, known, onShard = () => undefined } = options;
  const { seed, examples: settings } = set;
  const read = createDatasetCache(maxOpenBytes);
  const made = new Map<string, number>();

  const make = async (
    epoch: number,
    shard: number,
  ): Promise<OpenExamplesJob & { readonly bytes: Uint8Array; readonly sha256: string }> => {
    onShard(epoch, shard);
    const job: ExamplesJob = { kind: 'examples', ...set, split: 'train', epoch, shard };
    const opened = await openExamplesJob(store, job, read);
    const bytes = await inTurns(opened.examples.make(opened.request));
    return { ...opened, bytes, sha256: sha256Hex(bytes) };
  };
  const counts = async (epoch: number, shard: number): Promise<number> => {
    const stored = await known(epoch, shard);
    if (stored !== undefined) return stored.numExamples;
    const key = `${epoch}/${shard}`;
    const before = made.get(key);
    if (before !== undefined) return before;
    const { examples, bytes, sha256 } = await make(epoch, shard);
    const count = examples.open(bytes, sha256).numExamples;
    made.set(key, count);
    return count;
  };

  const sampler = createSampler({
    seed,
    shardsOf: epochShardsOf({ ...manifest, ...settings, seed }),
    windowShards: settings.shuffleWindowShards,
    counts,
  });
  const { examples: refs, next } = await sampler.locate(from, numExamples);
  const shown = new Map<ExampleRef, ShownExample>();
  const sums: Record<string, number> = {};
  for (const ofShard of byShard(refs)) {
    const { epoch, shard } = ofShard[0]!;
    const opened = await make(epoch, shard);
    const { examples, request, bytes, sha256 } = opened;
    const stored = await known(epoch, shard);
    if (stored !== undefined && stored.sha256 !== sha256)
      throw new BerthError(
        'DATA_SHARD_CORRUPT',
        `${stored.key} was stored with sha256 ${stored.sha256}, and the same work gives ${sha256} now: this release of ` +
          'berth, or its Node, makes other examples than the one that trained',
        { details: { key: stored.key } },
      );
    const reader = examples.open(bytes, sha256);
    const wanted = new Map(ofShard.map((ref) => [ref.example, ref]));
    const { task } = examples;
    let example = 0;
    for (const sources of examples.sources(request)) {
      const ref = wanted.get(example);
      if (ref !== undefined) {
        shown.set(ref, {
          split: 'train',
          ...ref,
          ...showRow(task, settings, request.vocabulary.tokens, { reader, example }),
          sources: placedSources(opened, sources),
        });
        for (const sum of countedSums(task))
          sums[sum] = (sums[sum] ?? 0) + reader.countOf(sum, example);
        wanted.delete(example);
      }
      if (wanted.size === 0) break;
      example++;
    }
  }
  const examples = refs.map((ref) => shown.get(ref)!);
  return { examples: await nameSources(store, manifest, examples, maxNamesBytes), sums, next };
}

function byShard(refs: readonly ExampleRef[]): ExampleRef[][] {
  const found = new Map<string, ExampleRef[]>();
  for (const ref of refs) {
    const key = `${ref.epoch}/${ref.shard}`;
    const others = found.get(key);
    if (others === undefined) found.set(key, [ref]);
    else others.push(ref);
  }
  return [...found.values()];
}

/** The sums of a task that follow from the examples alone. */
export function countedSums({ losses }: Task): readonly string[] {
  return [...new Set(['numExamples', 'numTokens', ...losses.map(({ over }) => over.sum)])];
}

/** Where the text of an example is from. */
export function placedSources(
  { request, trainShards }: OpenExamplesJob,
  sources: readonly TokenSource[],
): ShownSource[] {
  const sets = [request.documents, ...(request.others ?? [])];
  let position = 1;
  return sources.map(({ documents, start, end, beginsSequence = false }) => {
    if (beginsSequence) position += 1;
    const document = documentOfToken(documents, start);
    const firstSentence = sentenceOfToken(documents, start);
    const hash = hashOfDocument(documents, document);
    const placed: ShownSource = {
      position,
      numTokens: end - start,
      split: request.split,
      shard: trainShards[sets.indexOf(documents)] ?? 0,
      document,
      ...(hash !== undefined && { hash }),
      firstSentence: firstSentence - documents.documentStarts[document]!,
      numSentences: sentenceOfToken(documents, end - 1) - firstSentence + 1,
      firstToken: start - startOfDocument(documents, document),
    };
    position += end - start + 1;
    return placed;
  });
}
