import { reportLimits, type FineTuning, type FineTuningReport } from '@berth/contracts';
import {
  bestAnswer,
  windowOfRow,
  type BestAnswer,
  type HeldOutRow,
  type TextSpan,
  type WindowLogits,
  type WindowRow,
} from '@berth/data';
import {
  scoreAnswer,
  summarizeAnswers,
  type AnswerScores,
  type ScoredAnswer,
} from '@berth/metrics';
import type { AnswerSettings, ReportMeter } from './report-meter.ts';
import { baseline, beginReport, outputOf, windowRows } from './report-parts.ts';
import { WorstExamples } from './worst-examples.ts';

type Question = WindowRow['question'];

interface Scored {
  readonly example: number;
  readonly given: ScoredAnswer;
  /** Of what would be answered if there always were an answer: for this the best threshold is looked for. */
  readonly anyway: ScoredAnswer;
}

/**
 * Of questions, each over all its windows, as the evaluation of SQuAD measures. There may be no answer if any of the held-out
 * questions has none; then that is predicted where it scores more than the best answer.
 */
export function answerMeter(
  fineTuning: Extract<FineTuning, { kind: 'answer' }>,
  rows: readonly HeldOutRow[],
  settings: AnswerSettings,
): ReportMeter {
  const rowOf = windowRows(rows);
  const numWindows = new Map<Question, number>();
  for (const example of rows.keys()) {
    const { question } = rowOf.of(example);
    numWindows.set(question, (numWindows.get(question) ?? 0) + 1);
  }
  const mayHaveNone = [...numWindows.keys()].some(({ answers }) => answers.length === 0);
  const waiting = new Map<Question, (WindowLogits & { readonly example: number })[]>();
  const scored: Scored[] = [];
  const worst = new WorstExamples();

  const finish = (question: Question, windows: readonly WindowLogits[], example: number): void => {
    const best = bestAnswer(windows, { ...settings, mayHaveNone });
    const answers = question.answers.map(({ start, end }) => question.context.slice(start, end));
    const surest = best.candidates.find(({ text }) => text !== '');
    const given = scoreAnswer({ answers, predicted: best.text });
    const { noAnswerScore } = best;
    const anyway = scoreAnswer({ answers, predicted: surest?.text ?? '', noAnswerScore });
    scored.push({ example, given, anyway });
    const said = best.candidates.find(({ text }) => text === best.text);
    if (given.f1 === 1) return;
    worst.add(example, (1 - given.f1) * (said?.probability ?? 1), () => ({
      place: question.place,
      texts: [question.question, aroundAnswer(question, said)],
      outcomes: [
        {
          predicted: best.text === '' ? null : best.text,
          ...(said !== undefined && { probability: said.probability }),
          truth: answers[0] ?? null,
        },
      ],
    }));
  };

  return {
    add(batch, outputs, examples) {
      const size = batch.seqLength;
      const [starts, ends] = ['startLogits', 'endLogits'].map((name) =>
        outputOf(outputs, name, examples.length * size),
      ) as [Float32Array, Float32Array];
      for (const [i, example] of examples.entries()) {
        const row = rowOf.of(example);
        const of = waiting.get(row.question) ?? [];
        of.push({
          example,
          window: windowOfRow(row),
          starts: starts.slice(i * size, (i + 1) * size),
          ends: ends.slice(i * size, (i + 1) * size),
        });
        waiting.set(row.question, of);
        if (of.length < numWindows.get(row.question)!) continue;
        waiting.delete(row.question);
        const inOrder = of.toSorted((a, b) => a.example - b.example);
        finish(row.question, inOrder, inOrder[0]!.example);
      }
    },
    report() {
      const inOrder = scored.toSorted((a, b) => a.example - b.example);
      const { exact, f1, hasAnswer, noAnswer } = summarizeAnswers(
        inOrder.map(({ given }) => given),
      );
      const { best } = summarizeAnswers(inOrder.map(({ anyway }) => anyway));
      const unanswerable = (noAnswer?.total ?? 0) / Math.max(1, inOrder.length);
      return {
        ...beginReport(fineTuning),
        numExamples: inOrder.length,
        metrics: { answer_exact: exact / 100, answer_f1: f1 / 100 },
        baselines: mayHaveNone
          ? baseline(fineTuning, 'none', { answer_exact: unanswerable, answer_f1: unanswerable })
          : [],
        answers: {
          ...(hasAnswer && { hasAnswer: asRatios(hasAnswer) }),
          ...(noAnswer && { noAnswer: asRatios(noAnswer) }),
          ...(mayHaveNone && {
            best: { ...best, exact: best.exact / 100, f1: best.f1 / 100 },
          }),
          numIncomplete: numWindows.size - inOrder.length,
        },
        worst: worst.list(),
      };
    },
  };
}

function asRatios({
  exact,
  f1,
  total,
}: AnswerScores): NonNullable<NonNullable<FineTuningReport['answers']>['hasAnswer']> {
  return { exact: exact / 100, f1: f1 / 100, total };
}

/** The part of the context that the answer is in, or what was taken for it. */
function aroundAnswer(
  { context, answers }: Question,
  said: BestAnswer['candidates'][number] | undefined,
): string {
  const { textLength } = reportLimits;
  if (context.length <= textLength) return context;
  const { start, end }: TextSpan = answers[0] ?? said ?? { start: 0, end: 0 };
  const middle = (start + Math.min(end, start + textLength)) / 2;
  const from = Math.max(
    0,
    Math.min(Math.round(middle - textLength / 2), context.length - textLength),
  );
  return `${from > 0 ? '…' : ''}${context.slice(from > 0 ? from + 1 : 0, from + textLength)}`;
}
