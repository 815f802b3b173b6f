import { reportLimits, type FineTuningReport, type MetricsLine } from '@berth/contracts';
import {
  baselinesOf,
  evaluationMetrics,
  fineTuningTask,
  haveEntities,
  labelsOf,
  type FineTuning,
} from '@berth/contracts/constants';
import { gauss, uniform } from '../made-up-numbers.ts';
import { worstExamples } from './worst-examples.ts';

const numExamples = 1_240;

/** The report of an evaluation that has left this line. */
export function madeUpReport(fineTuning: FineTuning, line: MetricsLine): FineTuningReport {
  const task = fineTuningTask(fineTuning);
  const numberOf = (name: string): number | null =>
    typeof line[name] === 'number' ? line[name] : null;
  const metrics = evaluationMetrics(task).filter(({ name }) => !name.endsWith('_loss'));
  const baselines = new Map(
    metrics.flatMap(({ name }) =>
      baselinesOf(task, name).map(({ label }) => [label.replaceAll(' ', '_'), label] as const),
    ),
  );
  return {
    format: 'berth-fine-tuning-report/1',
    kind: fineTuning.kind,
    labels: [...labelsOf(fineTuning)],
    numExamples,
    metrics: Object.fromEntries(metrics.map(({ name }) => [name, numberOf(name)])),
    baselines: [...baselines].map(([name, label]) => ({
      name,
      label,
      metrics: Object.fromEntries(
        task.baselines
          .filter((one) => one.label === label)
          .flatMap((one): [string, number][] => {
            const value = numberOf(one.name);
            return value === null ? [] : [[one.metric, value]];
          }),
      ),
    })),
    ...partsOf(fineTuning, line),
    worst: worstExamples(fineTuning),
  };
}

function partsOf(
  fineTuning: FineTuning,
  { step }: MetricsLine,
): Pick<FineTuningReport, 'scores' | 'confusion' | 'pairs' | 'answers' | 'numUnseenWords'> {
  const labels = labelsOf(fineTuning);
  switch (fineTuning.kind) {
    case 'classify':
      return { scores: scoresOf('class', labels), confusion: confusionOf(labels.length, 900) };
    case 'classify-many':
      return { scores: scoresOf('class', labels) };
    case 'tag': {
      const types = labels.filter((label) => label.startsWith('B-')).map((label) => label.slice(2));
      return {
        scores: haveEntities(labels) ? scoresOf('entity', types) : scoresOf('tag', labels),
        confusion: confusionOf(labels.length, 14_000),
        numUnseenWords: 37,
      };
    }
    case 'regress': {
      const truth = Array.from({ length: 300 }, (_, i) => Math.round(50 * uniform(step, i)) / 10);
      const predicted = truth.map((value, i) => 0.9 * value + 0.3 + 0.45 * gauss(step + 1, i));
      return { pairs: { truth, predicted, numLeftOut: numExamples - truth.length } };
    }
    case 'answer':
      return {
        answers: {
          hasAnswer: { exact: 0.684, f1: 0.771, total: 826 },
          noAnswer: { exact: 0.806, f1: 0.806, total: 412 },
          best: { exact: 0.731, exactThreshold: -1.42, f1: 0.79, f1Threshold: -2.08 },
          numIncomplete: 2,
        },
      };
  }
}

function scoresOf(
  of: 'class' | 'entity' | 'tag',
  labels: readonly string[],
): NonNullable<FineTuningReport['scores']> {
  const rows = labels.map((label, i) => {
    const precision = 0.6 + 0.38 * uniform(31, i);
    const recall = 0.5 + 0.48 * uniform(37, i);
    const f1 = (2 * precision * recall) / (precision + recall);
    return { label, precision, recall, f1, support: Math.ceil(180 * uniform(41, i) ** 2) };
  });
  return { of, rows, numLeftOut: 0 };
}

function confusionOf(numLabels: number, total: number): NonNullable<FineTuningReport['confusion']> {
  const size = Math.min(numLabels, reportLimits.confusionClasses);
  const classes = Array.from({ length: size }, (_, i) => i);
  const counts = classes.map((row) =>
    classes.map((column) => {
      const often = (total / size) * (0.3 + 1.4 * uniform(51, row));
      if (row === column) return Math.round(0.8 * often);
      const isNear = Math.abs(row - column) === 1;
      const share = uniform(53 + row, column);
      return Math.round(((isNear ? 0.6 : 0.2) * often * share ** 6) / Math.sqrt(size));
    }),
  );
  return { classes, counts, numLeftOut: numLabels > size ? 23 : 0 };
}
