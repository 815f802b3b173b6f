import { encoderColumns, type Mean, type Task } from '@berth/contracts';

/** Most [SEP] of an example; counts are classes, from one on. */
export const maxCount = 4;

const perExample: Pick<Mean, 'over'> = { over: { sum: 'numExamples', plus: 0 } };

/** A toy: how many [SEP] are in the example? */
export const sepCount: Task = {
  name: 'sep-count',
  columns: [...encoderColumns, { name: 'sepCounts', dtype: 'int32', shape: [], values: maxCount }],
  sums: ['sepCountLoss', 'sepCountCorrect', 'numExamples', 'numTokens'],
  losses: [
    {
      name: 'sep_count',
      label: '[SEP] count',
      abbreviation: 'sep',
      sum: 'sepCountLoss',
      ...perExample,
      parameters: ['cls/'],
    },
  ],
  metrics: [
    {
      name: 'sep_count_loss',
      label: '[SEP] count loss',
      unit: 'nats',
      isMoreBetter: false,
      sum: 'sepCountLoss',
      ...perExample,
    },
    {
      name: 'sep_count_accuracy',
      label: '[SEP] count accuracy',
      unit: 'ratio',
      isMoreBetter: true,
      sum: 'sepCountCorrect',
      ...perExample,
    },
  ],
  reportMetrics: [],
  bestBy: 'loss',
  baselines: [],
  headlines: ['sep_count_accuracy'],
  pairsSentences: false,
  exampleFormat: 'sep-count/1',
};
