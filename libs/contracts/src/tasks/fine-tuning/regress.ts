import { encoderColumns, type Mean, type Task } from '../task.ts';
import { baselinesIn } from './report-metrics.ts';

const squaredError: Mean = { sum: 'squaredError', over: { sum: 'numExamples', plus: 0 } };

/**
 * A number for each text, or pair of texts, from the pooled first token: as BertForSequenceClassification with one label. The
 * loss is the mean squared error.
 */
export const regress: Task = {
  name: 'regress',
  columns: [...encoderColumns, { name: 'targets', dtype: 'float32', shape: [], values: 'number' }],
  sums: ['squaredError', 'numExamples', 'numTokens'],
  losses: [
    {
      name: 'regress',
      label: 'squared error',
      abbreviation: 'mse',
      ...squaredError,
      parameters: ['bert/pooler/', 'classifier/'],
    },
  ],
  metrics: [
    {
      name: 'regress_loss',
      label: 'Mean squared error',
      unit: 'squared',
      isMoreBetter: false,
      ...squaredError,
    },
  ],
  reportMetrics: [
    {
      name: 'regress_pearson',
      label: 'Pearson correlation',
      unit: 'correlation',
      isMoreBetter: true,
    },
    {
      name: 'regress_spearman',
      label: 'Spearman correlation',
      unit: 'correlation',
      isMoreBetter: true,
    },
  ],
  bestBy: 'regress_pearson',
  baselines: baselinesIn(['regress_loss'], 'mean', 'the mean'),
  headlines: ['regress_pearson', 'regress_spearman'],
  pairsSentences: false,
  exampleFormat: 'berth-regress-examples/1',
};
