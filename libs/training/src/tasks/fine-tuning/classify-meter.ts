import { columnOf, type FineTuning } from '@berth/contracts';
import type { HeldOutRow } from '@berth/data';
import {
  accuracy,
  averageScores,
  countsOfClasses,
  f1,
  matthews,
  type ConfusionMatrix,
} from '@berth/metrics';
import { argmax, softmax, surprise } from './probabilities.ts';
import type { ReportMeter } from './report-meter.ts';
import {
  alwaysMostFrequent,
  baseline,
  beginReport,
  boundedConfusion,
  outputOf,
  scoresOfClasses,
  scoreTable,
  textRows,
} from './report-parts.ts';
import { WorstExamples } from './worst-examples.ts';

/** Of one class for each text, or pair: as GLUE and scikit-learn measure. */
export function classifyMeter(
  fineTuning: Extract<FineTuning, { kind: 'classify' }>,
  rows: readonly HeldOutRow[],
): ReportMeter {
  const { labels } = fineTuning;
  const matrix = labels.map(() => labels.map(() => 0));
  const rowOf = textRows(rows);
  const worst = new WorstExamples();
  let numExamples = 0;
  return {
    add(batch, outputs, examples) {
      const logits = outputOf(outputs, 'logits', examples.length * labels.length);
      const truths = columnOf(batch, 'labels');
      for (const [i, example] of examples.entries()) {
        const truth = truths[i]!;
        const own = logits.subarray(i * labels.length, (i + 1) * labels.length);
        const predicted = argmax(own);
        matrix[truth]![predicted]! += 1;
        numExamples += 1;
        const probabilities = softmax(own);
        worst.add(example, surprise(probabilities[truth]!), () => ({
          ...rowOf.of(example),
          outcomes: [
            {
              predicted: labels[predicted]!,
              probability: probabilities[predicted]!,
              truth: labels[truth]!,
            },
          ],
        }));
      }
    },
    report: () => ({
      ...beginReport(fineTuning),
      numExamples,
      metrics: metricsOf(matrix),
      baselines: baseline(fineTuning, 'majority', metricsOf(alwaysMostFrequent(matrix))),
      scores: scoreTable('class', scoresOfClasses(labels, countsOfClasses(matrix))),
      confusion: boundedConfusion(matrix),
      worst: worst.list(),
    }),
  };
}

function metricsOf(matrix: ConfusionMatrix): Record<string, number> {
  const counts = countsOfClasses(matrix);
  const [, positive] = counts;
  return {
    classify_accuracy: accuracy(matrix),
    classify_f1_macro: averageScores(counts.filter((one) => one !== undefined)).macro.f1,
    ...(matrix.length === 2 && { classify_f1_binary: positive === undefined ? 0 : f1(positive) }),
    classify_matthews: matthews(matrix),
  };
}
