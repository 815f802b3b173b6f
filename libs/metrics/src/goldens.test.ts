import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scoreAnswers } from './answers/score-answers.ts';
import { exactMatch, normalizeAnswer, tokenF1 } from './answers/compare-answers.ts';
import {
  accuracy,
  confusionMatrix,
  countsOfClasses,
  countsOfLabels,
  exactMatchRatio,
  matthews,
} from './classification.ts';
import { pearson, spearman } from './correlation.ts';
import { entityReport, type EntityReport } from './entities/entity-report.ts';
import type { TagScheme } from './entities/strict-entities.ts';
import { averageScores, f1, type Averages } from './precision-recall.ts';

type Digits = number | null;

interface Golden<Case> {
  readonly cases: readonly Case[];
  readonly texts: string[];
}

/** What tools/verify/fine-tuning/write_metrics.py wrote: made-up cases, and what the reference says of them. */
function golden(name: string): Golden<unknown> {
  const url = new URL(`../test/golden/${name}.json`, import.meta.url);
  const parsed = JSON.parse(readFileSync(url, 'utf8')) as Golden<unknown>;
  expect(parsed.cases.length).toBeGreaterThanOrEqual(1000);
  return parsed;
}

/** The first case in which a number differs, by more than the digits that were written down. */
function firstDifference<Case>(
  cases: readonly Case[],
  compute: (one: Case) => readonly [ours: readonly Digits[], theirs: readonly Digits[]],
): unknown {
  for (const one of cases) {
    const [ours, theirs] = compute(one);
    const isSame = (value: Digits, i: number): boolean => isClose(value, theirs[i]);
    if (ours.length !== theirs.length || !ours.every(isSame)) return { one, ours, theirs };
  }
  return undefined;
}

function isClose(ours: Digits, theirs: Digits | undefined): boolean {
  if (ours === null || theirs === null) return ours === theirs;
  return Math.abs(ours - theirs!) <= 1e-9 * Math.max(1, Math.abs(ours));
}

const digitsOf = (text: string): number[] => Array.from(text, Number);

const orNull = (value: number): Digits => (Number.isNaN(value) ? null : value);

function numbersOf(averages: Averages, order: readonly (keyof Averages)[]): number[] {
  return order.flatMap((name) => {
    const { precision, recall, f1: harmonic } = averages[name];
    return [precision, recall, harmonic];
  });
}

const sklearnOrder = ['macro', 'micro', 'weighted'] as const;

describe('metrics are those of the reference implementations', () => {
  it('classification: scikit-learn', () => {
    const { cases } = golden('classification') as Golden<
      [numClasses: number, truth: string, predicted: string, ...numbers: number[]]
    >;
    const difference = firstDifference(cases, ([numClasses, truth, predicted, ...numbers]) => {
      const matrix = confusionMatrix(digitsOf(truth), digitsOf(predicted), numClasses);
      const counts = countsOfClasses(matrix);
      const positive = counts[1] === undefined ? 0 : f1(counts[1]);
      const averages = averageScores(counts.filter((one) => one !== undefined));
      return [
        [accuracy(matrix), matthews(matrix), positive, ...numbersOf(averages, sklearnOrder)],
        numbers,
      ];
    });
    expect(difference).toBeUndefined();
  });

  it('several labels: scikit-learn', () => {
    const { cases } = golden('several-labels') as Golden<
      [numLabels: number, truth: string, predicted: string, ...numbers: number[]]
    >;
    const rows = (text: string): number[][] => text.split(' ').map(digitsOf);
    const difference = firstDifference(cases, ([numLabels, truth, predicted, ...numbers]) => {
      const counts = countsOfLabels(rows(truth), rows(predicted), numLabels);
      return [
        [
          exactMatchRatio(rows(truth), rows(predicted)),
          ...numbersOf(averageScores(counts), sklearnOrder),
        ],
        numbers,
      ];
    });
    expect(difference).toBeUndefined();
  });

  it('correlations: SciPy', () => {
    const { cases } = golden('correlation') as Golden<
      [a: number[], b: number[], pearson: Digits, spearman: Digits]
    >;
    const difference = firstDifference(cases, ([a, b, ...numbers]) => [
      [orNull(pearson(a, b)), orNull(spearman(a, b))],
      numbers,
    ]);
    expect(difference).toBeUndefined();
  });

  it('entities: seqeval, by default and strict', () => {
    type Report = [...numbers: number[], types: Record<string, number[]>] | null;
    const { cases } = golden('entities') as Golden<
      [
        scheme: TagScheme,
        truth: string,
        predicted: string,
        wordAccuracy: number,
        lenient: Report,
        strict: Report,
      ]
    >;
    const sentences = (text: string): string[][] => text.split(' | ').map((one) => one.split(' '));
    const ours = (report: EntityReport): Digits[] => [
      ...numbersOf(report, ['micro', 'macro', 'weighted']),
      ...[...report.types.values()].flatMap(({ precision, recall, support }) => [
        precision,
        recall,
        support,
      ]),
    ];
    const theirs = (report: Report): Digits[] =>
      report === null
        ? Array.from({ length: 9 }, () => 0)
        : [...(report.slice(0, -1) as number[]), ...Object.values(report.at(-1)!).flat()];
    const difference = firstDifference(
      cases,
      ([scheme, truth, predicted, wordAccuracy, lenient, strict]) => {
        const report = (only?: TagScheme): EntityReport =>
          entityReport(sentences(truth), sentences(predicted), only);
        return [
          [report().wordAccuracy, ...ours(report()), ...ours(report(scheme))],
          [wordAccuracy, ...theirs(lenient), ...theirs(strict)],
        ];
      },
    );
    expect(difference).toBeUndefined();
  });

  it('answers: SQuAD', () => {
    const { cases } = golden('answers') as Golden<
      [truth: string, predicted: string, normal: string, exact: number, f1: number]
    >;
    for (const [truth, , normal] of cases) expect(normalizeAnswer(truth)).toBe(normal);
    const difference = firstDifference(cases, ([truth, predicted, , ...numbers]) => [
      [exactMatch(truth, predicted), tokenF1(truth, predicted)],
      numbers,
    ]);
    expect(difference).toBeUndefined();
  });

  it('sets of questions, with and without answers: SQuAD 1.1 and 2.0', () => {
    type Question = [answers: number[], predicted: number, noAnswerScore: number];
    const { cases, texts } = golden('answer-reports') as Golden<
      [threshold: number, questions: Question[], ...numbers: Digits[]]
    >;
    const difference = firstDifference(cases, ([threshold, questions, ...numbers]) => {
      const {
        exact,
        f1: mean,
        hasAnswer,
        noAnswer,
        best,
      } = scoreAnswers(
        questions.map(([answers, predicted, noAnswerScore]) => ({
          answers: answers.map((index) => texts[index]!),
          predicted: texts[predicted]!,
          noAnswerScore,
        })),
        threshold,
      );
      const parts = [hasAnswer, noAnswer].flatMap((part) => [
        part?.exact ?? null,
        part?.f1 ?? null,
        part?.total ?? null,
      ]);
      const { exactThreshold, f1Threshold } = best;
      return [[exact, mean, ...parts, best.exact, exactThreshold, best.f1, f1Threshold], numbers];
    });
    expect(difference).toBeUndefined();
  });
});
