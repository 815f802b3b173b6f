import { encoderColumns, type Mean, type Task } from './task.ts';

/** The release's denominator of masked LM (docs/bert.md#loss). */
const perPrediction: Pick<Mean, 'over'> = { over: { sum: 'maskedWeight', plus: 1e-5 } };
const perExample: Pick<Mean, 'over'> = { over: { sum: 'numExamples', plus: 0 } };

/**
 * Masked LM and next sentence prediction, as in the BERT release. P = `maxPredictions` slots; unused ones have weight 0 and
 * position 0.
 */
export const pretraining: Task = {
  name: 'pretraining',
  columns: [
    ...encoderColumns,
    { name: 'maskedPositions', dtype: 'int32', shape: ['maxPredictions'], values: 'position' },
    { name: 'maskedIds', dtype: 'int32', shape: ['maxPredictions'], values: 'token' },
    { name: 'maskedWeights', dtype: 'float32', shape: ['maxPredictions'], values: 'weight' },
    /** 0 = real next, 1 = random. */
    { name: 'nextSentenceLabels', dtype: 'int32', shape: [], values: 2 },
  ],
  sums: [
    'maskedLmLoss',
    'maskedLmCorrect',
    'maskedWeight',
    'nextSentenceLoss',
    'nextSentenceCorrect',
    'numExamples',
    'numTokens',
  ],
  losses: [
    {
      name: 'masked_lm',
      label: 'masked LM',
      abbreviation: 'mlm',
      sum: 'maskedLmLoss',
      ...perPrediction,
      parameters: ['cls/predictions/'],
    },
    {
      name: 'next_sentence',
      label: 'next sentence',
      abbreviation: 'nsp',
      sum: 'nextSentenceLoss',
      ...perExample,
      parameters: ['bert/pooler/', 'cls/seq_relationship/'],
    },
  ],
  metrics: [
    {
      name: 'masked_lm_loss',
      label: 'Masked LM loss',
      unit: 'nats',
      isMoreBetter: false,
      sum: 'maskedLmLoss',
      ...perPrediction,
    },
    {
      name: 'masked_lm_accuracy',
      label: 'Masked LM accuracy',
      unit: 'ratio',
      isMoreBetter: true,
      sum: 'maskedLmCorrect',
      ...perPrediction,
    },
    {
      name: 'next_sentence_loss',
      label: 'Next sentence loss',
      unit: 'nats',
      isMoreBetter: false,
      sum: 'nextSentenceLoss',
      ...perExample,
    },
    {
      name: 'next_sentence_accuracy',
      label: 'Next sentence accuracy',
      unit: 'ratio',
      isMoreBetter: true,
      sum: 'nextSentenceCorrect',
      ...perExample,
    },
  ],
  reportMetrics: [],
  bestBy: 'loss',
  baselines: [
    { name: 'masked_lm_loss_unigram', metric: 'masked_lm_loss', label: 'unigram' },
    { name: 'masked_lm_loss_copy', metric: 'masked_lm_loss', label: 'copy' },
    { name: 'masked_lm_accuracy_majority', metric: 'masked_lm_accuracy', label: 'majority' },
    { name: 'masked_lm_accuracy_copy', metric: 'masked_lm_accuracy', label: 'copy' },
    { name: 'next_sentence_loss_majority', metric: 'next_sentence_loss', label: 'majority' },
    {
      name: 'next_sentence_accuracy_majority',
      metric: 'next_sentence_accuracy',
      label: 'majority',
    },
  ],
  headlines: ['masked_lm_loss', 'next_sentence_accuracy'],
  pairsSentences: true,
  exampleFormat: 'berth-examples/3',
  tokenPrediction: {
    loss: 'masked_lm',
    positions: 'maskedPositions',
    tokens: 'maskedIds',
    weights: 'maskedWeights',
    logits: 'maskedLmLogits',
  },
};
