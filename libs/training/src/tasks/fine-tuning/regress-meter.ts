import { columnOf, reportLimits, type FineTuning } from '@berth/contracts';
import { spreadEvenly, type HeldOutRow } from '@berth/data';
import { pearson, spearman } from '@berth/metrics';
import type { ReportMeter } from './report-meter.ts';
import { baseline, beginReport, definedOrNull, outputOf, textRows } from './report-parts.ts';
import { WorstExamples } from './worst-examples.ts';

interface Pair {
  readonly example: number;
  readonly truth: number;
  readonly predicted: number;
}

/** Of a number for each text, or pair: as GLUE measures. */
export function regressMeter(
  fineTuning: Extract<FineTuning, { kind: 'regress' }>,
  rows: readonly HeldOutRow[],
): ReportMeter {
  const pairs: Pair[] = [];
  const rowOf = textRows(rows);
  const worst = new WorstExamples();
  return {
    add(batch, outputs, examples) {
      const logits = outputOf(outputs, 'logits', examples.length);
      const targets = columnOf(batch, 'targets');
      for (const [i, example] of examples.entries()) {
        const [truth, predicted] = [targets[i]!, logits[i]!];
        pairs.push({ example, truth, predicted });
        worst.add(example, (truth - predicted) ** 2, () => ({
          ...rowOf.of(example),
          outcomes: [{ predicted: rounded(predicted), truth: rounded(truth) }],
        }));
      }
    },
    report() {
      // Sums depend on the order.
      const all = pairs.toSorted((a, b) => a.example - b.example);
      const [truth, predicted] = [all.map((one) => one.truth), all.map((one) => one.predicted)];
      const mean = meanOf(truth);
      const kept = spreadEvenly(all.length, reportLimits.pairs).map((index) => all[index]!);
      return {
        ...beginReport(fineTuning),
        numExamples: all.length,
        metrics: {
          regress_loss: meanOf(all.map((one) => (one.truth - one.predicted) ** 2)),
          regress_pearson: definedOrNull(pearson(truth, predicted)),
          regress_spearman: definedOrNull(spearman(truth, predicted)),
        },
        baselines: baseline(fineTuning, 'mean', {
          regress_loss: meanOf(truth.map((one) => (one - mean) ** 2)),
        }),
        pairs: {
          truth: kept.map((one) => rounded(one.truth)),
          predicted: kept.map((one) => rounded(one.predicted)),
          numLeftOut: all.length - kept.length,
        },
        worst: worst.list(),
      };
    },
  };
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** As many digits as one in 32 bits has. */
function rounded(value: number): number {
  return Number(value.toPrecision(7));
}
