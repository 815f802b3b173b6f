import { encoderColumns, type Mean, type Task } from '../task.ts';
import { haveEntities } from './entity-tags.ts';
import { baselinesIn, share } from './report-metrics.ts';

const tagLoss: Mean = { sum: 'tagLoss', over: { sum: 'labelWeight', plus: 0 } };

const ofEntities = {
  reportMetrics: [
    share('tag_f1', 'F1 of entities'),
    share('tag_precision', 'Precision of entities'),
    share('tag_recall', 'Recall of entities'),
  ],
  bestBy: 'tag_f1',
  baselines: baselinesIn(['tag_accuracy'], 'majority', 'majority'),
} as const;

const ofWords = {
  reportMetrics: [share('tag_f1_macro', 'Macro F1 of tags')],
  bestBy: 'tag_f1_macro',
  baselines: baselinesIn(['tag_accuracy', 'tag_f1_macro'], 'majority', 'majority'),
} as const;

/**
 * A class for each token that has one, such as the first of each word: as BertForTokenClassification. The loss is the mean of
 * their cross-entropies, weighted if classes have weights.
 */
export function tag(labels: readonly string[]): Task {
  const measured = haveEntities(labels) ? ofEntities : ofWords;
  return {
    name: 'tag',
    columns: [
      ...encoderColumns,
      { name: 'labels', dtype: 'int32', shape: ['maxSeqLength'], values: labels.length },
      /** Of the class, 1 where classes have no weights; 0 for tokens without a class, which Hugging Face labels -100. */
      { name: 'labelWeights', dtype: 'float32', shape: ['maxSeqLength'], values: 'weight' },
    ],
    sums: ['tagLoss', 'tagCorrect', 'labelWeight', 'numLabelled', 'numExamples', 'numTokens'],
    losses: [
      {
        name: 'tag',
        label: 'tagging',
        abbreviation: 'tag',
        ...tagLoss,
        parameters: ['classifier/'],
      },
    ],
    metrics: [
      { name: 'tag_loss', label: 'Tagging loss', unit: 'nats', isMoreBetter: false, ...tagLoss },
      {
        name: 'tag_accuracy',
        label: 'Accuracy of tags',
        unit: 'ratio',
        isMoreBetter: true,
        sum: 'tagCorrect',
        over: { sum: 'numLabelled', plus: 0 },
      },
    ],
    ...measured,
    headlines: [measured.bestBy],
    pairsSentences: false,
    exampleFormat: 'berth-tag-examples/1',
  };
}
