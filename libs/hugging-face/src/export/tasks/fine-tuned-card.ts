import type { FineTuning, LabelledDataset } from '@berth/contracts';
import { labelsOf } from '@berth/contracts';

/** What a card says of a kind: inside a sentence, and the Hub's name of it. */
const kinds: Record<FineTuning['kind'], { readonly aim: string; readonly pipeline: string }> = {
  classify: { aim: 'one label for each text or pair', pipeline: 'text-classification' },
  'classify-many': {
    aim: 'any of the labels for each text or pair',
    pipeline: 'text-classification',
  },
  regress: { aim: 'a number for each text or pair', pipeline: 'text-classification' },
  tag: { aim: 'a label for each word', pipeline: 'token-classification' },
  answer: { aim: 'where in a context the answer to a question is', pipeline: 'question-answering' },
};

/** The model's aim, for people. */
export function aimOf({ kind }: FineTuning): string {
  return kinds[kind].aim;
}

/** The pipeline of transformers that uses it. */
export function pipelineOf({ kind }: FineTuning): string {
  return kinds[kind].pipeline;
}

const maxLabels = 30;

/** What it learnt from. */
export function labelledRows({
  train,
  heldOut,
  fineTuning,
  labelCounts,
}: LabelledDataset): string[][] {
  const numTrain = train.reduce((sum, { numExamples }) => sum + numExamples, 0);
  const labels = labelsOf(fineTuning);
  const named = labels.slice(0, maxLabels).map((label, number) => {
    const count = labelCounts?.[number];
    return count === undefined ? `\`${label}\`` : `\`${label}\` (${count.toLocaleString('en-US')})`;
  });
  const more = labels.length > maxLabels ? [`${labels.length - maxLabels} more`] : [];
  return [
    [
      'examples',
      `${numTrain.toLocaleString('en-US')}, and ${heldOut.numExamples.toLocaleString('en-US')} to evaluate on`,
    ],
    ...(labels.length === 0 ? [] : [['labels', [...named, ...more].join(', ')]]),
  ];
}
