import { encoderColumns, type LossTerm, type Metric, type Task } from '../task.ts';
import { baselinesIn, share } from './report-metrics.ts';

type Edge = 'start' | 'end';

const countOf: Record<Edge, string> = { start: 'numStarts', end: 'numEnds' };

const loss = (edge: Edge): LossTerm => ({
  name: edge,
  label: `answer ${edge}`,
  abbreviation: edge,
  sum: `${edge}Loss`,
  over: { sum: countOf[edge], plus: 0 },
  factor: 0.5,
  parameters: ['qa_outputs/'],
});

const metrics = (edge: Edge): Metric[] => [
  {
    name: `${edge}_loss`,
    label: `Loss of the answer's ${edge}`,
    unit: 'nats',
    isMoreBetter: false,
    sum: `${edge}Loss`,
    over: { sum: countOf[edge], plus: 0 },
  },
  {
    name: `${edge}_accuracy`,
    label: `Accuracy of the answer's ${edge}`,
    unit: 'ratio',
    isMoreBetter: true,
    sum: `${edge}Correct`,
    over: { sum: countOf[edge], plus: 0 },
  },
];

/**
 * The first and the last token of an answer, or twice the first token of all where there is none: as BertForQuestionAnswering.
 * The loss is the mean of the cross-entropies of both over all tokens, padding too.
 */
export const answer: Task = {
  name: 'answer',
  columns: [
    ...encoderColumns,
    /** From `maxSeqLength` on it is outside the example, and not counted. */
    { name: 'startPositions', dtype: 'int32', shape: [], values: 'position' },
    { name: 'endPositions', dtype: 'int32', shape: [], values: 'position' },
  ],
  sums: [
    'startLoss',
    'startCorrect',
    'numStarts',
    'endLoss',
    'endCorrect',
    'numEnds',
    'numExamples',
    'numTokens',
  ],
  losses: [loss('start'), loss('end')],
  metrics: [...metrics('start'), ...metrics('end')],
  reportMetrics: [share('answer_exact', 'Exact match'), share('answer_f1', 'F1 of answers')],
  bestBy: 'answer_f1',
  baselines: baselinesIn(['answer_exact', 'answer_f1'], 'none', 'no answer'),
  headlines: ['answer_exact', 'answer_f1'],
  pairsSentences: false,
  exampleFormat: 'berth-answer-examples/1',
};
