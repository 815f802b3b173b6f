import type { Outputs, Prediction, PredictionInput } from '@berth/contracts';
import type { TaskExample, Tokenizer } from '@berth/data';

/** What a predictor reads with. */
export interface ReadingOptions {
  readonly tokenizer: Tokenizer;
  /** As the tokenizer. */
  readonly doLowerCase: boolean;
  readonly maxSeqLength: number;
}

/** An input as a model reads it. */
export interface Reading {
  /** In order: windows of one that is long, or just one; none where there is nothing to read. */
  readonly examples: readonly Pick<TaskExample, 'ids' | 'numFirstSegment'>[];
  /** Whether some of the input is in none of them. */
  readonly isCut: boolean;
  /** @param outputs - the model's for each example, which may be padded */
  predict(outputs: readonly Outputs[]): Prediction;
}

/** How a model of a kind reads inputs, and what its outputs say of them. */
export interface Predictor {
  /** What an input must have, for people. */
  readonly reads: string;
  /** @returns undefined for an input of another kind */
  read(input: PredictionInput): Reading | undefined;
}
