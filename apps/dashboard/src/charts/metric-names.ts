import type { StepMetric } from '@berth/contracts';

/** All metrics that charts show; the list in contracts is not imported, it would bring its schemas along. */
export const stepMetricNames: readonly StepMetric[] = [
  'loss',
  'masked_lm_loss',
  'masked_lm_accuracy',
  'next_sentence_loss',
  'next_sentence_accuracy',
  'learningRate',
  'gradientNorm',
  'tokensPerSecond',
  'stepMs',
  'dataMs',
  'computeMs',
  'reduceMs',
  'commitMs',
  'applyMs',
];
