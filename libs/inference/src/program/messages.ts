import type { InferenceRequest, InferenceResult, S3Place, WireError } from '@berth/contracts';

/** The first message to the process: what it may use. */
export interface Opening {
  /** Where checkpoints are; undefined where only folders are asked for. */
  readonly s3: S3Place | undefined;
  readonly numThreads: number;
}

/** What it is asked, by whoever started it. */
export interface Question {
  readonly id: number;
  readonly request: InferenceRequest;
}

/** What it answers, in the order of the questions. */
export type Answer =
  | { readonly id: number; readonly result: InferenceResult }
  | { readonly id: number; readonly error: WireError };
