import { encoderColumns, type Mean, type Task } from '../task.ts';

const tagLoss: Mean = { sum: 'tagLoss', over: { sum: 'labelWeight', plus: 0 } };

/**
 * A class for each token that has one, such as the first of each word: as BertForTokenClassification. The loss is the mean of
 * their cross-entropies, weighted if classes have weights.
 */
export function tag(numClasses: number): Task {
  return {
    name: 'tag',
    columns: [
      ...encoderColumns,
      { name: 'labels', dtype: 'int32', shape: ['maxSeqLength'], values: numClasses },
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
    baselines: [],
    headlines: ['tag_accuracy'],
    pairsSentences: false,
    exampleFormat: 'berth-tag-examples/1',
  };
}
