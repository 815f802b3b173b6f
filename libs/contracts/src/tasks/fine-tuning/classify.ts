import { encoderColumns, type Mean, type Task } from '../task.ts';
import { baselinesIn, share } from './report-metrics.ts';

const perExample: Pick<Mean, 'over'> = { over: { sum: 'numExamples', plus: 0 } };
const perWeight: Pick<Mean, 'over'> = { over: { sum: 'labelWeight', plus: 0 } };

const loss = {
  name: 'classify',
  label: 'classification',
  abbreviation: 'cls',
  sum: 'classifyLoss',
  parameters: ['bert/pooler/', 'classifier/'],
} as const;

const lossMetric = {
  name: 'classify_loss',
  label: 'Classification loss',
  unit: 'nats',
  isMoreBetter: false,
  sum: 'classifyLoss',
} as const;

const accuracy = {
  name: 'classify_accuracy',
  label: 'Accuracy',
  unit: 'ratio',
  isMoreBetter: true,
  sum: 'classifyCorrect',
  ...perExample,
} as const;

const macro = share('classify_f1_macro', 'Macro F1');
const micro = share('classify_f1_micro', 'Micro F1');

/** As scikit-learn's `pos_label` 1 and GLUE have it: of the second class. */
const binary = (label: string) => share('classify_f1_binary', `F1 of ${cut(label)}`);

const matthews = {
  name: 'classify_matthews',
  label: 'Matthews correlation',
  unit: 'correlation',
  isMoreBetter: true,
} as const;

const common = {
  name: 'classify',
  pairsSentences: false,
} as const;

/**
 * One class for each text, or pair of texts, from the pooled first token: as BertForSequenceClassification with single labels.
 * The loss is the mean of the cross-entropies, weighted: as PyTorch's CrossEntropyLoss with class weights.
 */
export function classify(labels: readonly string[]): Task {
  const f1s = labels.length === 2 ? [macro, binary(labels[1]!)] : [macro];
  const counted = ['classify_accuracy', ...f1s.map(({ name }) => name)];
  return {
    ...common,
    columns: [
      ...encoderColumns,
      { name: 'labels', dtype: 'int32', shape: [], values: labels.length },
      /** Of the class; 1 where classes have no weights. */
      { name: 'labelWeights', dtype: 'float32', shape: [], values: 'weight' },
    ],
    sums: ['classifyLoss', 'classifyCorrect', 'labelWeight', 'numExamples', 'numTokens'],
    losses: [{ ...loss, ...perWeight }],
    metrics: [{ ...lossMetric, ...perWeight }, accuracy],
    reportMetrics: [...f1s, matthews],
    bestBy: 'classify_accuracy',
    baselines: baselinesIn(counted, 'majority', 'majority'),
    headlines: ['classify_accuracy', 'classify_f1_macro'],
    exampleFormat: 'berth-classify-examples/1',
  };
}

/**
 * Any of the classes for each text, or pair of texts: as BertForSequenceClassification with multiple labels. The loss is the
 * mean over examples and classes of the binary cross-entropies, weighted: as PyTorch's BCEWithLogitsLoss with `pos_weight`. An
 * example counts as correct if all its classes do.
 */
export function classifyMany(numClasses: number): Task {
  return {
    ...common,
    columns: [
      ...encoderColumns,
      /** 1 for those of its classes, 0 for others. */
      { name: 'labels', dtype: 'float32', shape: [numClasses], values: 2 },
      /** Of each class, 1 where classes have no weights, and for others than its own. */
      { name: 'labelWeights', dtype: 'float32', shape: [numClasses], values: 'weight' },
    ],
    /** The loss of an example is the mean over its classes. */
    sums: ['classifyLoss', 'classifyCorrect', 'numExamples', 'numTokens'],
    losses: [{ ...loss, ...perExample }],
    metrics: [
      { ...lossMetric, ...perExample },
      { ...accuracy, label: 'Exact match' },
    ],
    reportMetrics: [micro, macro],
    bestBy: 'classify_f1_micro',
    baselines: baselinesIn(
      ['classify_accuracy', 'classify_f1_micro', 'classify_f1_macro'],
      'majority',
      'majority',
    ),
    headlines: ['classify_f1_micro', 'classify_accuracy'],
    exampleFormat: 'berth-classify-many-examples/1',
  };
}

const maxLabelLength = 20;

function cut(label: string): string {
  return label.length > maxLabelLength ? `${label.slice(0, maxLabelLength)}…` : label;
}
