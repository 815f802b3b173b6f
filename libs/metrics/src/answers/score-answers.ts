import { exactMatch, normalizeAnswer, tokenF1 } from './compare-answers.ts';

/** A question, what its answers are, and what was answered. */
export interface AnsweredQuestion {
  /** Any of them is right; none where the text has no answer. */
  readonly answers: readonly string[];
  /** Empty for "no answer". */
  readonly predicted: string;
  /** Grows with how sure one is that there is no answer. @defaultValue 0 */
  readonly noAnswerScore?: number | undefined;
}

/** In percent, as SQuAD's evaluation gives them. */
export interface AnswerScores {
  readonly exact: number;
  readonly f1: number;
  readonly total: number;
}

/** What is reached if questions are answered up to the best score of "no answer", and which that is. */
export interface BestThreshold {
  readonly exact: number;
  readonly exactThreshold: number;
  readonly f1: number;
  readonly f1Threshold: number;
}

export interface AnswerReport extends AnswerScores {
  /** Of questions that have an answer; undefined without any. */
  readonly hasAnswer: AnswerScores | undefined;
  /** Of those that have none. */
  readonly noAnswer: AnswerScores | undefined;
  readonly best: BestThreshold;
}

/** How right the answer to one question is. */
export interface ScoredAnswer {
  readonly hasAnswer: boolean;
  readonly isAnswered: boolean;
  readonly noAnswerScore: number;
  readonly exact: number;
  readonly f1: number;
}

/**
 * Exact match and F1 as the evaluation of SQuAD 2.0 has them, which of questions that all have answers are those of 1.1.
 * @param threshold - a question counts as unanswered if its `noAnswerScore` is more
 * @returns scores of 0 without a question
 */
export function scoreAnswers(
  questions: readonly AnsweredQuestion[],
  threshold = Infinity,
): AnswerReport {
  return summarizeAnswers(questions.map(scoreAnswer), threshold);
}

/** As {@link scoreAnswers}, of questions that were scored one by one. */
export function summarizeAnswers(all: readonly ScoredAnswer[], threshold = Infinity): AnswerReport {
  const after = all.map((one) =>
    one.noAnswerScore > threshold
      ? { ...one, exact: Number(!one.hasAnswer), f1: Number(!one.hasAnswer) }
      : one,
  );
  const part = (hasAnswer: boolean): AnswerScores | undefined => {
    const some = after.filter((one) => one.hasAnswer === hasAnswer);
    return some.length === 0 ? undefined : meanOf(some);
  };
  const [exact, f1] = [bestOf(all, 'exact'), bestOf(all, 'f1')];
  return {
    ...meanOf(after),
    hasAnswer: part(true),
    noAnswer: part(false),
    best: {
      exact: exact.score,
      exactThreshold: exact.threshold,
      f1: f1.score,
      f1Threshold: f1.threshold,
    },
  };
}

/** Compares what was answered with each of the answers; the best counts. */
export function scoreAnswer({
  answers,
  predicted,
  noAnswerScore = 0,
}: AnsweredQuestion): ScoredAnswer {
  const right = answers.filter((answer) => normalizeAnswer(answer) !== '');
  if (right.length === 0) right.push('');
  const best = (compare: (truth: string, predicted: string) => number): number =>
    right.reduce((most, answer) => Math.max(most, compare(answer, predicted)), 0);
  return {
    hasAnswer: answers.length > 0,
    isAnswered: predicted !== '',
    noAnswerScore,
    exact: best(exactMatch),
    f1: best(tokenF1),
  };
}

function meanOf(scores: readonly ScoredAnswer[]): AnswerScores {
  const percent = (key: 'exact' | 'f1'): number =>
    scores.length === 0
      ? 0
      : (100 * scores.reduce((sum, one) => sum + one[key], 0)) / scores.length;
  return { exact: percent('exact'), f1: percent('f1'), total: scores.length };
}

/** Answers one question after the other, the surest first, and remembers where that was best; 0 is where none is answered. */
function bestOf(
  all: readonly ScoredAnswer[],
  key: 'exact' | 'f1',
): { readonly score: number; readonly threshold: number } {
  let score = all.filter(({ hasAnswer }) => !hasAnswer).length;
  let best = { score, threshold: 0 };
  for (const one of all.toSorted((a, b) => a.noAnswerScore - b.noAnswerScore)) {
    score += one.hasAnswer ? one[key] : one.isAnswered ? -1 : 0;
    if (score > best.score) best = { score, threshold: one.noAnswerScore };
  }
  return { ...best, score: all.length === 0 ? 0 : (100 * best.score) / all.length };
}
