import type { AnswerWindow } from './answer-windows.ts';

export interface BestAnswerOptions {
  /** Answers that are kept, and starts and ends of a window that are tried. @defaultValue 20 */
  readonly numBest?: number;
  /** Tokens. @defaultValue 30 */
  readonly maxAnswerLength?: number;
  /** Whether a question may have no answer, as in SQuAD 2.0. */
  readonly mayHaveNone: boolean;
  /** How much more than the best answer "no answer" must score. @defaultValue 0 */
  readonly noAnswerThreshold?: number;
}

/** What a model says of a window: a logit for each token. */
export interface WindowLogits {
  readonly window: Pick<AnswerWindow, 'question' | 'contextAt' | 'spans' | 'isMaxContext'>;
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
}

export interface AnswerCandidate {
  /** Cut out of the context; empty for "no answer". */
  readonly text: string;
  /** In the context, in UTF-16 code units; both 0 for "no answer". */
  readonly start: number;
  readonly end: number;
  /** Start and end logit together. */
  readonly score: number;
  /** Among all candidates. */
  readonly probability: number;
}

export interface BestAnswer {
  /** Empty for "no answer". */
  readonly text: string;
  /** How much more "no answer" scores than the best answer; undefined where there always is one. */
  readonly noAnswerScore: number | undefined;
  /** The best first. */
  readonly candidates: readonly AnswerCandidate[];
}

type Scored = Omit<AnswerCandidate, 'probability'>;

/**
 * The answer to a question from all its windows, as google-research/bert (run_squad.py) chooses it: of each window the best starts with
 * the best ends, where the start has most context there, padding left out; "no answer" is what the window scores that is least for it. The text is cut
 * out of the context by the tokens' exact places.
 */
export function bestAnswer(
  windows: readonly WindowLogits[],
  { numBest = 20, maxAnswerLength = 30, mayHaveNone, noAnswerThreshold = 0 }: BestAnswerOptions,
): BestAnswer {
  const found = windows.flatMap((one) => candidatesOf(one, numBest, maxAnswerLength));
  const none: Scored = {
    text: '',
    start: 0,
    end: 0,
    score: Math.min(...windows.map(({ starts, ends }) => starts[0]! + ends[0]!)),
  };
  if (mayHaveNone) found.push(none);
  const kept = new Map<string, Scored>();
  for (const candidate of found.sort((a, b) => b.score - a.score)) {
    if (kept.size >= numBest) break;
    if (!kept.has(candidate.text)) kept.set(candidate.text, candidate);
  }
  if (mayHaveNone && !kept.has('')) kept.set('', none);
  const candidates = withProbabilities([...kept.values()]);
  const best = candidates.find(({ text }) => text !== '');
  if (!mayHaveNone) return { text: best?.text ?? '', noAnswerScore: undefined, candidates };
  const noAnswerScore = none.score - (best?.score ?? 0);
  const isAnswered = best !== undefined && noAnswerScore <= noAnswerThreshold;
  return { text: isAnswered ? best.text : '', noAnswerScore, candidates };
}

function candidatesOf(
  { window, starts, ends }: WindowLogits,
  numBest: number,
  maxAnswerLength: number,
): Scored[] {
  const { spans, contextAt, isMaxContext, question } = window;
  // With the last [SEP].
  const length = contextAt + spans.length + 1;
  const candidates: Scored[] = [];
  const lasts = bestOf(ends, length, numBest);
  for (const first of bestOf(starts, length, numBest))
    for (const last of lasts) {
      const [start, end] = [spans[first - contextAt]?.start, spans[last - contextAt]?.end];
      if (start === undefined || end === undefined || isMaxContext[first - contextAt] !== true)
        continue;
      if (last < first || last - first + 1 > maxAnswerLength) continue;
      const text = question.context.slice(start, end);
      candidates.push({ text, start, end, score: starts[first]! + ends[last]! });
    }
  return candidates;
}

/** The positions with the largest logits, the largest first; of equal ones the first. */
function bestOf(logits: ArrayLike<number>, length: number, num: number): number[] {
  return Array.from({ length }, (_, i) => i)
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, num);
}

function withProbabilities(scored: readonly Scored[]): AnswerCandidate[] {
  const most = Math.max(...scored.map(({ score }) => score));
  const weights = scored.map(({ score }) => Math.exp(score - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return scored.map((one, i) => ({ ...one, probability: weights[i]! / total }));
}
