import type { ExamplesConfig } from '@berth/contracts';

/** The part of an examples config that shapes examples; the rest says how they are cut, mixed and kept ready. */
export type ExampleSettings = Pick<
  ExamplesConfig,
  'maxSeqLength' | 'maxPredictions' | 'maskedLmRatio' | 'shortSeqRatio' | 'masking'
>;

/** What examples need to know of a vocabulary: a token's id is its index. */
export interface ExampleVocabulary {
  readonly tokens: readonly string[];
  readonly clsId: number;
  readonly sepId: number;
  readonly maskId: number;
}
