import {
  haveEntities,
  type FineTuning,
  type FineTuningReport,
  type Outcome,
} from '@berth/contracts';
import type { HeldOutRow } from '@berth/data';
import {
  accuracy,
  averageScores,
  countsOfClasses,
  createEntityCounter,
  type ConfusionMatrix,
  type Counts,
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
  wordRows,
} from './report-parts.ts';
import { WorstExamples } from './worst-examples.ts';

const outside = 'O';

/**
 * Of a tag for each word: its entities as conlleval, or where tags are none of entities, its words. A word that the model was not
 * shown counts as not found; accuracy is that of the others.
 */
export function tagMeter(
  fineTuning: Extract<FineTuning, { kind: 'tag' }>,
  rows: readonly HeldOutRow[],
): ReportMeter {
  const { labels } = fineTuning;
  const matrix = labels.map(() => labels.map(() => 0));
  const numUnseen = labels.map(() => 0);
  const measure = haveEntities(labels) ? entityMeasure(labels) : wordMeasure(labels);
  const rowOf = wordRows(rows);
  const worst = new WorstExamples();
  let numExamples = 0;
  return {
    add(batch, outputs, examples) {
      const size = batch.seqLength * labels.length;
      const logits = outputOf(outputs, 'logits', examples.length * size);
      for (const [i, example] of examples.entries()) {
        const { place, words, tags, positions } = rowOf.of(example);
        const seen = positions.map((position) => {
          if (position < 0) return undefined;
          const at = i * size + position * labels.length;
          const own = logits.subarray(at, at + labels.length);
          return { predicted: argmax(own), probabilities: softmax(own) };
        });
        let loss = 0;
        for (const [word, truth] of tags.entries()) {
          const said = seen[word];
          if (said === undefined) numUnseen[truth]! += 1;
          else {
            matrix[truth]![said.predicted]! += 1;
            loss += surprise(said.probabilities[truth]!);
          }
        }
        numExamples += 1;
        measure.add(
          tags,
          seen.map((said) => said?.predicted),
        );
        worst.add(example, loss, () => ({
          place,
          texts: [words.join(' ')],
          outcomes: tags.flatMap((truth, word): Outcome[] => {
            const said = seen[word];
            if (said?.predicted === truth) return [];
            const of = { word: words[word]!, at: word, truth: labels[truth]! };
            if (said === undefined) return [{ ...of, predicted: null }];
            const { predicted, probabilities } = said;
            return [
              { ...of, predicted: labels[predicted]!, probability: probabilities[predicted]! },
            ];
          }),
        }));
      }
    },
    report() {
      const numUnseenWords = numUnseen.reduce((total, count) => total + count, 0);
      const usual = alwaysMostFrequent(matrix);
      return {
        ...beginReport(fineTuning),
        numExamples,
        ...measure.of(matrix, numUnseen),
        baselines: baseline(fineTuning, 'majority', wordMetrics(usual, numUnseen)),
        confusion: boundedConfusion(matrix),
        ...(numUnseenWords > 0 && { numUnseenWords }),
        worst: worst.list(),
      };
    },
  };
}

/** What tags are measured as. */
interface Measure {
  /** @param predicted - undefined for a word that was not seen */
  add(truth: readonly number[], predicted: readonly (number | undefined)[]): void;
  of(
    matrix: ConfusionMatrix,
    numUnseen: readonly number[],
  ): Pick<FineTuningReport, 'metrics' | 'scores'>;
}

function entityMeasure(labels: readonly string[]): Measure {
  // conlleval and seqeval know the ends of BIOES, not those of BILOU.
  const tags = labels.map((label) => label.replace(/^L-/, 'E-').replace(/^U-/, 'S-'));
  const entities = createEntityCounter();
  return {
    add: (truth, predicted) =>
      entities.add(
        truth.map((tag) => tags[tag]!),
        predicted.map((tag) => (tag === undefined ? outside : tags[tag]!)),
      ),
    of(matrix) {
      const { micro, types } = entities.report();
      return {
        metrics: {
          tag_accuracy: accuracy(matrix),
          tag_f1: micro.f1,
          tag_precision: micro.precision,
          tag_recall: micro.recall,
        },
        scores: scoreTable(
          'entity',
          [...types].map(([label, scores]) => ({ label, scores })),
        ),
      };
    },
  };
}

function wordMeasure(labels: readonly string[]): Measure {
  return {
    add: () => undefined,
    of: (matrix, numUnseen) => ({
      metrics: wordMetrics(matrix, numUnseen),
      scores: scoreTable('tag', scoresOfClasses(labels, countsWith(matrix, numUnseen))),
    }),
  };
}

function wordMetrics(
  matrix: ConfusionMatrix,
  numUnseen: readonly number[],
): Record<string, number> {
  const counts = countsWith(matrix, numUnseen).filter((one) => one !== undefined);
  return { tag_accuracy: accuracy(matrix), tag_f1_macro: averageScores(counts).macro.f1 };
}

/** Those of the matrix, and the words that were not seen as missed. */
function countsWith(matrix: ConfusionMatrix, numUnseen: readonly number[]): (Counts | undefined)[] {
  return countsOfClasses(matrix).map((seen, number) => {
    const missed = numUnseen[number]!;
    if (seen === undefined && missed === 0) return undefined;
    const { truePositives = 0, falsePositives = 0, falseNegatives = 0 } = seen ?? {};
    return { truePositives, falsePositives, falseNegatives: falseNegatives + missed };
  });
}
