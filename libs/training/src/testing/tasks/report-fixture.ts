import { readFileSync } from 'node:fs';
import {
  allocateBatch,
  columnOf,
  examplesOf,
  fineTuningTask,
  type ExampleBatch,
  type FineTuning,
  type FineTuningReport,
  type Outputs,
} from '@berth/contracts';
import type { HeldOutRow, WindowRow } from '@berth/data';
import { createReportMeter } from '../../tasks/fine-tuning/report-meter.ts';

/** Outputs of a head for all held-out examples, in one batch. */
export interface MeterCase {
  readonly fineTuning: FineTuning;
  readonly rows: readonly HeldOutRow[];
  readonly batch: ExampleBatch;
  readonly outputs: Outputs;
}

/** The report on a case, whose examples are shown in this order, some at a time. */
export function reportOn(
  { fineTuning, rows, batch, outputs }: MeterCase,
  order: readonly number[] = [...rows.keys()],
  batchSize = order.length,
): FineTuningReport {
  const meter = createReportMeter(fineTuning, rows);
  for (let from = 0; from < order.length; from += batchSize) {
    const examples = order.slice(from, from + batchSize);
    const parts = examples.map((example) => examplesOf(batch, example, example + 1));
    const columns = Object.entries(batch.columns).map(([name, column]) => {
      const data = column instanceof Int32Array ? Int32Array : Float32Array;
      return [name, data.from(parts.flatMap((part) => Array.from(columnOf(part, name))))] as const;
    });
    const chosen = Object.entries(outputs).map(([name, values]) => {
      const size = values.length / batch.batchSize;
      const own = examples.flatMap((one) =>
        Array.from(values.subarray(one * size, (one + 1) * size)),
      );
      return [name, Float32Array.from(own)] as const;
    });
    meter.add(
      { ...batch, batchSize: examples.length, columns: Object.fromEntries(columns) },
      Object.fromEntries(chosen),
      examples,
    );
  }
  return meter.report();
}

const place = (example: number) => ({ path: 'made up', at: `line ${example + 1}` });

/** Texts with one or several labels, or a number each, and the logits of each. */
export function textCase(
  fineTuning: FineTuning,
  truth: readonly (number | readonly number[])[],
  logits: readonly (number | readonly number[])[],
): MeterCase {
  const batch = batchOf(fineTuning, truth.length, 4);
  columnOf(batch, fineTuning.kind === 'regress' ? 'targets' : 'labels').set(truth.flat());
  const rows = truth.map((_, i) => ({ place: place(i), texts: [`text ${i}`, 'the second'] }));
  return { fineTuning, rows, batch, outputs: { logits: Float32Array.from(logits.flat()) } };
}

/** Sentences whose words have two pieces each; of those without logits the model sees nothing. */
export function tagCase(
  labels: readonly string[],
  truth: readonly (readonly number[])[],
  logits: readonly (readonly (readonly number[])[])[],
): MeterCase {
  const fineTuning: FineTuning = { kind: 'tag', labels };
  const seqLength = 2 * Math.max(...truth.map(({ length }) => length)) + 2;
  const batch = batchOf(fineTuning, truth.length, seqLength);
  const all = new Float32Array(truth.length * seqLength * labels.length).fill(99);
  const rows = truth.map((tags, i) => {
    const words = tags.map((_, word) => `word${word}`);
    const positions = tags.map((_, word) => (word < logits[i]!.length ? 1 + 2 * word : -1));
    for (const [word, own] of logits[i]!.entries())
      all.set(own, (i * seqLength + positions[word]!) * labels.length);
    return { place: place(i), words, tags, positions };
  });
  return { fineTuning, rows, batch, outputs: { logits: all } };
}

export interface GoldenQuestion {
  readonly context: string;
  /** First and last word of each answer. */
  readonly answers: readonly (readonly [first: number, last: number])[];
  /** Of no answer, then of each word. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Questions of one word, each with one window on its context, a token a word. */
export function answerCase(questions: readonly GoldenQuestion[]): MeterCase {
  const fineTuning: FineTuning = { kind: 'answer' };
  const contextAt = 3;
  const seqLength = 24;
  const batch = batchOf(fineTuning, questions.length, seqLength);
  const edge = (name: 'starts' | 'ends'): Float32Array => {
    const logits = new Float32Array(questions.length * seqLength).fill(-99);
    for (const [i, question] of questions.entries()) {
      const [none, ...words] = question[name];
      logits[i * seqLength] = none!;
      logits.set(words, i * seqLength + contextAt);
    }
    return logits;
  };
  const rows = questions.map(({ context, answers }, i): WindowRow => {
    const words = context.split(' ');
    const startOf = (word: number): number =>
      words.slice(0, word).join(' ').length + Math.min(1, word);
    return {
      question: {
        place: place(i),
        id: String(i),
        question: 'where',
        context,
        answers: answers.map(([first, last]) => ({
          start: startOf(first),
          end: startOf(last) + words[last]!.length,
        })),
      },
      contextAt,
      spans: words.flatMap(({ length }, word) => [Math.min(1, word), length]),
      isMaxContext: '1'.repeat(words.length),
    };
  });
  return {
    fineTuning,
    rows,
    batch,
    outputs: { startLogits: edge('starts'), endLogits: edge('ends') },
  };
}

function batchOf(fineTuning: FineTuning, batchSize: number, maxSeqLength: number): ExampleBatch {
  return allocateBatch(fineTuningTask(fineTuning), { batchSize, maxSeqLength, maxPredictions: 1 });
}

type Scores = readonly (readonly (string | number)[])[];
interface Golden {
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly baselines: Readonly<Record<string, number>> | null;
}
type AnswerPart = readonly [exact: number, f1: number, total: number] | null;

/** Written by tools/verify/fine-tuning/write_reports.py. */
export interface GoldenReports {
  readonly classify: readonly (Golden & {
    readonly labels: number;
    readonly truth: number[];
    readonly logits: number[][];
    readonly scores: Scores;
    readonly confusion: number[][];
  })[];
  readonly 'classify-many': readonly (Golden & {
    readonly labels: number;
    readonly truth: number[][];
    readonly logits: number[][];
    readonly scores: Scores;
  })[];
  readonly regress: readonly (Golden & { readonly truth: number[]; readonly logits: number[] })[];
  readonly tag: readonly GoldenTags[];
  readonly 'tag-words': readonly GoldenTags[];
  readonly answer: readonly (Golden & {
    readonly questions: readonly (readonly [
      string,
      (readonly [number, number])[],
      number[],
      number[],
    ])[];
    readonly hasAnswer: AnswerPart;
    readonly noAnswer: AnswerPart;
    readonly best: readonly [exact: number, f1: number] | null;
  })[];
}

interface GoldenTags extends Golden {
  readonly labels: string[];
  readonly truth: number[][];
  readonly logits: number[][][];
  readonly scores: Scores;
}

export const goldenReports = JSON.parse(
  readFileSync(new URL('../../../test/golden/reports.json', import.meta.url), 'utf8'),
) as GoldenReports;

/** Names for so many labels. */
function labelNames(numLabels: number): string[] {
  return Array.from({ length: numLabels }, (_, number) => `label ${number}`);
}

/** The cases of the golden file by kind, in its order. */
export const goldenCases: Record<string, readonly MeterCase[]> = {
  classify: goldenReports.classify.map(({ labels, truth, logits }) =>
    textCase({ kind: 'classify', labels: labelNames(labels) }, truth, logits),
  ),
  'classify-many': goldenReports['classify-many'].map(({ labels, truth, logits }) =>
    textCase({ kind: 'classify-many', labels: labelNames(labels) }, truth, logits),
  ),
  regress: goldenReports.regress.map(({ truth, logits }) =>
    textCase({ kind: 'regress' }, truth, logits),
  ),
  tag: goldenReports.tag.map(({ labels, truth, logits }) => tagCase(labels, truth, logits)),
  'tag-words': goldenReports['tag-words'].map(({ labels, truth, logits }) =>
    tagCase(labels, truth, logits),
  ),
  answer: goldenReports.answer.map(({ questions }) =>
    answerCase(
      questions.map(([context, answers, starts, ends]) => ({ context, answers, starts, ends })),
    ),
  ),
};
