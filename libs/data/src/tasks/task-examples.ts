import type {
  ExampleBatch,
  ExampleShard,
  ExamplesConfig,
  Task,
  TextRules,
  ShownShare,
} from '@berth/contracts';
import type { TextStatistics } from '../dataset/text-statistics.ts';
import type { TokenDocuments, TokenSource } from '../dataset/token-documents.ts';
import type { KeepNumbers } from '../scratch/stretches.ts';
import type { Vocabulary } from '../text/vocabulary.ts';
import type { Work } from '../text/work.ts';

/** What the examples of a shard are made of, and which they are. */
export interface ExamplesRequest {
  /** The way they are made. @defaultValue the task's first */
  readonly format?: string | undefined;
  /** Documents of one dataset shard. */
  readonly documents: TokenDocuments;
  /** These in the order in which the corpus has them, where the task asks for it and the dataset says so. */
  readonly order?: Uint32Array | undefined;
  /** Those of the shards that are mixed with it, where the task reads them. */
  readonly others?: readonly TokenDocuments[];
  readonly vocabulary: Vocabulary;
  readonly settings: ExamplesConfig;
  readonly exampleSetId: string;
  readonly split: ExampleShard['split'];
  readonly seed: number;
  readonly epoch: number;
  readonly shard: number;
  /** How many times the epoch has read the dataset shard before. @defaultValue 0 */
  readonly timesRead?: number;
  /** Of the engine that made the dataset; undefined in what older releases made. */
  readonly textRules?: TextRules | undefined;
}

/** Random access to a verified example shard. */
export interface ExampleShardReader {
  readonly numExamples: number;
  /** Of all examples, special tokens counted. */
  readonly numTokens: number;
  /** Labels of all examples. */
  readonly numPredictions: number;
  /**
   * What an example adds to one of the task's sums that are known without a model: its `numExamples`, its `numTokens`, and
   * those that losses are divided by.
   */
  countOf(sum: string, example: number): number;
  /**
   * Writes an example over row `row` of a batch.
   * @throws BerthError `DATA_SHARD_CORRUPT` when the batch is narrower than the shard says it is
   */
  copyInto(batch: ExampleBatch, row: number, example: number): void;
  /**
   * The same, with what is long where `keep` has put it: it holds nothing of the bytes that this one reads. Absent where all of it
   * stays in memory.
   */
  kept?(keep: KeepNumbers): Promise<ExampleShardReader>;
}

/** Measures what the task's baselines reach on the examples that it is shown. */
export interface BaselineMeter {
  add(batch: ExampleBatch): void;
  /** By the names of the task's baselines, as far as they are known. */
  values(): Readonly<Record<string, number>>;
}

/** Measures examples, to tell whether they are as they should be. */
export interface ExampleMeter {
  /** @param batch - of this example alone. @param numTokens - that it has */
  add(batch: ExampleBatch, numTokens: number): void;
  shares(): readonly ShownShare[];
}

/** How a task's stored examples are read. */
export interface StoredTaskExamples {
  readonly task: Task;
  /**
   * @param name - of the shard, for messages
   * @throws BerthError `DATA_SHARD_CORRUPT` when the bytes do not have this digest, are no example shard, or hold what no example can be
   */
  readonly open: (bytes: Uint8Array, expectedSha256: string, name?: string) => ExampleShardReader;
  /** @param statistics - of the training text; undefined where they are not known */
  readonly baselines: (statistics: TextStatistics | undefined) => BaselineMeter;
}

/** How a task's examples are made of documents, and read. */
export interface TaskExamples extends StoredTaskExamples {
  /** The way in which examples are made where none is named. */
  readonly firstFormat: string;
  /** Whether examples of a shard are made of all documents that are mixed in its epoch. */
  readonly readsWindow: (settings: ExamplesConfig, format: string | undefined) => boolean;
  /** Whether examples for training depend on the order in which the corpus has its documents. @defaultValue never */
  readonly readsOrder?: (settings: ExamplesConfig) => boolean;
  /**
   * The bytes of an example shard, as work: the same request, the same bytes.
   * @throws BerthError `DATA_MISMATCH` when this release does not know the format
   */
  readonly make: (request: ExamplesRequest) => Work<Uint8Array>;
  /**
   * What each example of that shard is made of, in its order: in the example these follow [CLS], each with a [SEP] behind it, and with
   * another [CLS] before it where it begins a sequence.
   * @throws BerthError as `make`
   */
  readonly sources: (request: ExamplesRequest) => Iterable<readonly TokenSource[]>;
  /** Absent where nothing is known of how they should be. */
  readonly measure?: (settings: ExamplesConfig, vocabulary: Vocabulary) => ExampleMeter;
}
