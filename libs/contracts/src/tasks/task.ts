/** Sizes of a run's examples, under the names that the run file has for them. */
export interface ExampleSizes {
  readonly maxSeqLength: number;
  /** Labels of an example at most. */
  readonly maxPredictions: number;
}

/** The shape of a batch of a task's examples. */
export interface BatchShape extends ExampleSizes {
  readonly batchSize: number;
}

/** What a column's numbers are, `number` any; a number is that of the classes that they name. */
export type ColumnValues =
  | 'token'
  | 'mask'
  | 'segment'
  | 'sequence'
  | 'position'
  | 'weight'
  | 'number'
  | number;

/** One tensor of a batch. */
export interface Column {
  readonly name: string;
  readonly dtype: 'int32' | 'float32';
  /** Of one example; the batch's is one dimension more. */
  readonly shape: readonly (keyof ExampleSizes | number)[];
  readonly values: ColumnValues;
}

/** A mean: one of the task's sums over another. */
export interface Mean {
  readonly sum: string;
  readonly over: {
    readonly sum: string;
    /** Added to it. */
    readonly plus: number;
  };
}

/**
 * A part of the loss. Its denominator is known before a step begins, from what the step's examples are, so that each virtual
 * rank can scale its own part. Its mean is the metric `<name>_loss`.
 */
export interface LossTerm extends Mean {
  /** In snake case, as metrics and their labels have it. */
  readonly name: string;
  /** For people, inside a sentence. */
  readonly label: string;
  /** For a line that is short of room. */
  readonly abbreviation: string;
  /** What its mean is multiplied by in the loss. @defaultValue 1 */
  readonly factor?: number;
  /** How the names of the head's parameters begin that it is computed with. */
  readonly parameters: readonly string[];
}

/** A number that shows how well a task is done. */
export interface ShownMetric {
  /** In snake case. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  /** `squared`: that of what is predicted, squared; `correlation`: from -1 to 1. */
  readonly unit: 'nats' | 'ratio' | 'squared' | 'correlation';
  readonly isMoreBetter: boolean;
}

/** One that is a mean over examples, known of every step. */
export interface Metric extends ShownMetric, Mean {}

/**
 * What a predictor that has learnt nothing but counts reaches in one of a task's metrics, on the same examples. Lines of
 * evaluations have it by its name, as far as it is known.
 */
export interface Baseline {
  /** In snake case: the metric, then what predicts. */
  readonly name: string;
  readonly metric: string;
  /** For people: what predicts. */
  readonly label: string;
}

/** How a task predicts tokens from what stands around them: what masks are filled by. */
export interface TokenPrediction {
  /** The name of the loss term that it is learnt by; e to its mean is the masked perplexity. */
  readonly loss: string;
  /** Columns: the positions to predict, the tokens that stand there, and what each counts. */
  readonly positions: string;
  readonly tokens: string;
  readonly weights: string;
  /** The output that has a logit for each entry of the vocabulary, one row a position. */
  readonly logits: string;
}

/** What a run learns, as data. Whatever is not in a `tasks/` folder takes names and numbers of a task from here. */
export interface Task {
  readonly name: string;
  /** In the order of the graph's inputs; the encoder's are among them. */
  readonly columns: readonly Column[];
  /**
   * Sums over a step's examples, which travel behind the gradient in this order, as fp32. Losses are summed unscaled. All
   * tasks have `numExamples` and `numTokens`.
   */
  readonly sums: readonly string[];
  /** They add up to the loss, each with its factor. */
  readonly losses: readonly LossTerm[];
  /** In the order in which they are shown. */
  readonly metrics: readonly Metric[];
  /**
   * Those that are no ratio of sums, such as F1: an evaluation computes them from predictions, and has them in its line and its
   * report. One that is not defined there, such as the correlation with a constant, is left out.
   */
  readonly reportMetrics: readonly ShownMetric[];
  /** The name of what says which checkpoint is the best: a metric of an evaluation, or `loss`. */
  readonly bestBy: string;
  readonly baselines: readonly Baseline[];
  /** Names of the metrics that tell in a line what was learnt. */
  readonly headlines: readonly string[];
  /** Whether examples are pairs of sentences, so that a document of one has none to offer. */
  readonly pairsSentences: boolean;
  /** Where it is a part of the task. */
  readonly tokenPrediction?: TokenPrediction;
  /** Release of how examples are made, which new runs get; part of their identity. */
  readonly exampleFormat: string;
}

/** Whether an evaluation needs what the head says of each example, and not only sums. */
export function isMeasuredByPredictions({ reportMetrics }: Task): boolean {
  return reportMetrics.length > 0;
}

/** What an evaluation tells besides the loss, in the order in which it is shown. */
export function evaluationMetrics({ metrics, reportMetrics }: Task): readonly ShownMetric[] {
  return [...metrics, ...reportMetrics];
}

/**
 * What an evaluation is worth when checkpoints are compared: more is better. Undefined where they are compared by the loss, or
 * the metric is not defined.
 * @param metric - @defaultValue the task's
 */
export function evaluationScore(
  task: Task,
  metric: string | undefined,
  line: Readonly<Record<string, unknown>>,
): number | undefined {
  const by = metric ?? task.bestBy;
  const value = line[by];
  const shown = evaluationMetrics(task).find(({ name }) => name === by);
  if (shown === undefined || typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return shown.isMoreBetter ? value : -value;
}

/** What says nothing of a metric that only reaches these. */
export function baselinesOf({ baselines }: Task, metric: string): readonly Baseline[] {
  return baselines.filter((baseline) => baseline.metric === metric);
}

/** A dimension of a column. */
export function dimensionOf(dimension: keyof ExampleSizes | number, sizes: ExampleSizes): number {
  return typeof dimension === 'number' ? dimension : sizes[dimension];
}

/** What the encoder reads: [B, S] each. */
export const encoderColumns = [
  { name: 'inputIds', dtype: 'int32', shape: ['maxSeqLength'], values: 'token' },
  /** 1 for tokens, 0 for padding. */
  { name: 'inputMask', dtype: 'int32', shape: ['maxSeqLength'], values: 'mask' },
  { name: 'segmentIds', dtype: 'int32', shape: ['maxSeqLength'], values: 'segment' },
] as const satisfies readonly Column[];

/**
 * What it reads besides where a row may have several sequences: the number of each token's, from 0 on. Tokens see those of their
 * own sequence alone, and their positions count in it. Where all are 0, as in a batch that says nothing of sequences, a row is one.
 */
export const sequenceColumn = {
  name: 'sequenceIds',
  dtype: 'int32',
  shape: ['maxSeqLength'],
  values: 'sequence',
} as const satisfies Column;
