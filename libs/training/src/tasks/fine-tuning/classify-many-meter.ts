import { columnOf, type FineTuning, type Outcome } from '@berth/contracts';
import type { HeldOutRow } from '@berth/data';
import { averageScores, type Counts } from '@berth/metrics';
import { sigmoid, surprise } from './probabilities.ts';
import type { ReportMeter } from './report-meter.ts';
import {
  baseline,
  beginReport,
  outputOf,
  scoresOfClasses,
  scoreTable,
  textRows,
} from './report-parts.ts';
import { WorstExamples } from './worst-examples.ts';

/** Of any of the classes for each text, or pair: one is predicted where its probability is above a half. */
export function classifyManyMeter(
  fineTuning: Extract<FineTuning, { kind: 'classify-many' }>,
  rows: readonly HeldOutRow[],
): ReportMeter {
  const { labels } = fineTuning;
  const counts = labels.map(() => ({ truePositives: 0, falsePositives: 0, falseNegatives: 0 }));
  /** How often each set of labels is that of an example. */
  const numOfSet = new Map<string, number>();
  const rowOf = textRows(rows);
  const worst = new WorstExamples();
  let numExamples = 0;
  let numExact = 0;
  return {
    add(batch, outputs, examples) {
      const logits = outputOf(outputs, 'logits', examples.length * labels.length);
      const truths = columnOf(batch, 'labels');
      for (const [i, example] of examples.entries()) {
        const of = labels.map((label, number) => {
          const at = i * labels.length + number;
          const [isTrue, logit] = [truths[at] === 1, logits[at]!];
          return { label, isTrue, isPredicted: logit > 0, probability: sigmoid(logit) };
        });
        for (const [number, { isTrue, isPredicted }] of of.entries()) {
          if (isTrue) counts[number]![isPredicted ? 'truePositives' : 'falseNegatives'] += 1;
          else if (isPredicted) counts[number]!.falsePositives += 1;
        }
        numExamples += 1;
        if (of.every(({ isTrue, isPredicted }) => isTrue === isPredicted)) numExact += 1;
        const set = setOf(of.map(({ isTrue }) => isTrue));
        numOfSet.set(set, (numOfSet.get(set) ?? 0) + 1);
        const losses = of.map(({ isTrue, probability }) =>
          surprise(isTrue ? probability : 1 - probability),
        );
        const loss = losses.reduce((total, one) => total + one, 0) / labels.length;
        worst.add(example, loss, () => ({
          ...rowOf.of(example),
          outcomes: of
            .filter(({ isTrue, isPredicted }) => isTrue || isPredicted)
            .sort((a, b) => Number(a.isTrue === a.isPredicted) - Number(b.isTrue === b.isPredicted))
            .map(({ label, isTrue, isPredicted, probability }): Outcome => ({
              predicted: isPredicted ? label : null,
              probability,
              truth: isTrue ? label : null,
            })),
        }));
      }
    },
    report() {
      const support = counts.map((one) => one.truePositives + one.falseNegatives);
      const isUsual = support.map((count) => count > numExamples / 2);
      const usual = support.map((count, number): Counts =>
        isUsual[number]
          ? { truePositives: count, falsePositives: numExamples - count, falseNegatives: 0 }
          : { truePositives: 0, falsePositives: 0, falseNegatives: count },
      );
      const metricsOf = (all: readonly Counts[], numRight: number): Record<string, number> => {
        const { micro, macro } = averageScores(all);
        return {
          classify_accuracy: numExamples === 0 ? 0 : numRight / numExamples,
          classify_f1_micro: micro.f1,
          classify_f1_macro: macro.f1,
        };
      };
      return {
        ...beginReport(fineTuning),
        numExamples,
        metrics: metricsOf(counts, numExact),
        baselines: baseline(
          fineTuning,
          'majority',
          metricsOf(usual, numOfSet.get(setOf(isUsual)) ?? 0),
        ),
        scores: scoreTable('class', scoresOfClasses(labels, counts)),
        worst: worst.list(),
      };
    },
  };
}

function setOf(isThere: readonly boolean[]): string {
  return isThere.flatMap((is, number) => (is ? [number] : [])).join();
}
