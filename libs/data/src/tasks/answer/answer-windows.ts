import { BerthError } from '@berth/contracts';
import { createRowProblems } from '../../rows/input-errors.ts';
import type { RowSource } from '../../rows/row.ts';
import type { TokenSpans } from '../../text/span-tokenizer.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { finish, giveTurn, inTurns, isTurnDue, type Work } from '../../text/work.ts';
import { soundRows } from '../fine-tuning/sound-rows.ts';
import { layOut, type TaskExample } from '../fine-tuning/task-example.ts';
import { readQuestion, type Question, type TextSpan } from './question.ts';

export interface WindowSettings {
  readonly maxSeqLength: number;
  /** Tokens between the beginnings of two windows on one context. */
  readonly docStride: number;
  /** Tokens of a question at most; others are cut off. */
  readonly maxQueryLength: number;
}

/** As in google-research/bert (run_squad.py). */
export const defaultWindows: WindowSettings = {
  maxSeqLength: 384,
  docStride: 128,
  maxQueryLength: 64,
};

export interface AnswerOptions extends WindowSettings {
  readonly tokenizer: Tokenizer;
  /** Of the same vocabulary and case. */
  readonly tokenizeSpans: (text: string) => Work<TokenSpans>;
  /** Whether questions have answers. @defaultValue true */
  readonly isLabelled?: boolean | undefined;
}

/** A question, and a window on its context. */
export interface AnswerWindow extends TaskExample {
  readonly question: Question;
  /** Where the window begins in the example. */
  readonly contextAt: number;
  /** What each token of the window is of the context. */
  readonly spans: readonly TextSpan[];
  /** Whether, of all windows, a token has most context here. */
  readonly isMaxContext: readonly boolean[];
}

/**
 * Examples of `answer`: [CLS] question [SEP] window [SEP], one after the other, those of a question together, as
 * google-research/bert (run_squad.py) makes them. A window that does not hold the whole of the first answer has none: both its
 * positions are [CLS].
 * @throws BerthError `DATA_INPUT_INVALID`, once all rows were seen, for questions that are none, such as one whose answer is not in
 * its context
 */
export async function* answerWindows(
  source: RowSource,
  options: AnswerOptions,
): AsyncGenerator<AnswerWindow> {
  const { tokenizeSpans, isLabelled = true } = options;
  requireRoom(options);
  const problems = createRowProblems();
  // Questions about one context follow each other.
  let last: { readonly context: string; readonly tokens: TokenSpans } | undefined;
  for await (const row of soundRows(source, problems)) {
    const question = readQuestion(row, isLabelled, problems);
    if (question === undefined) continue;
    const { context } = question;
    if (last?.context !== context)
      last = { context, tokens: await inTurns(tokenizeSpans(context)) };
    if (last.tokens.ids.length === 0)
      problems.add('empty context', row.place, 'its context has no words: give it one');
    for (const window of windowsOn(question, last.tokens, options)) {
      yield window;
      if (isTurnDue()) await giveTurn();
    }
  }
}

/** @throws BerthError `CONFIG_INVALID` when windows have no room for a context */
function requireRoom({ maxSeqLength, maxQueryLength }: WindowSettings): void {
  if (maxSeqLength >= maxQueryLength + 4) return;
  throw new BerthError(
    'CONFIG_INVALID',
    `a maxSeqLength of ${maxSeqLength} leaves no room for a context beside ${maxQueryLength} tokens of a question and 3 special ones: raise it, or lower maxQueryLength`,
  );
}

/**
 * The windows on the context of a question; none on one without words.
 * @throws BerthError `CONFIG_INVALID` when they have no room for it
 */
export function windowsOfQuestion(question: Question, options: AnswerOptions): AnswerWindow[] {
  requireRoom(options);
  return [...windowsOn(question, finish(options.tokenizeSpans(question.context)), options)];
}

function* windowsOn(
  question: Question,
  tokens: TokenSpans,
  { tokenizer, maxSeqLength, maxQueryLength, docStride, isLabelled = true }: AnswerOptions,
): Generator<AnswerWindow> {
  const query = tokenizer.tokenize(question.question).slice(0, maxQueryLength);
  const room = maxSeqLength - query.length - 3;
  const ranges = rangesOf(tokens.ids.length, room, docStride);
  // Windows on each side of one that may have tokens of it.
  const numNear = Math.ceil(room / Math.min(room, docStride));
  const answer = question.answers[0] && tokensOf(question.answers[0], tokens);
  for (const [index, { start, end }] of ranges.entries()) {
    const near = ranges.slice(Math.max(0, index - numNear), index + numNear + 1);
    const laidOut = layOut(tokenizer.vocabulary, query, tokens.ids.slice(start, end));
    const contextAt = laidOut.numFirstSegment;
    const isInside = answer !== undefined && answer.start >= start && answer.end <= end;
    const at = contextAt - start;
    const [first, last] = isInside ? [answer.start + at, answer.end - 1 + at] : [0, 0];
    const inWindow = Array.from({ length: end - start }, (_, i) => start + i);
    yield {
      place: question.place,
      ...laidOut,
      columns: isLabelled ? { startPositions: first, endPositions: last } : {},
      question,
      contextAt,
      spans: inWindow.map((token) => ({ start: tokens.starts[token]!, end: tokens.ends[token]! })),
      isMaxContext: inWindow.map((token) => maxContextOf(near, token).start === start),
    };
  }
}

/** Windows of `room` tokens, the last one perhaps shorter, of which each begins `stride` after the one before. */
function rangesOf(numTokens: number, room: number, stride: number): TextSpan[] {
  const ranges: TextSpan[] = [];
  let start = 0;
  while (start < numTokens) {
    const end = Math.min(numTokens, start + room);
    ranges.push({ start, end });
    if (end === numTokens) break;
    start += Math.min(room, stride);
  }
  return ranges;
}

/** The first of the windows in which a token has most on its shorter side; longer windows have a little more. */
function maxContextOf(ranges: readonly TextSpan[], token: number): TextSpan {
  const scoreOf = ({ start, end }: TextSpan): number =>
    token < start || token >= end
      ? -Infinity
      : Math.min(token - start, end - 1 - token) + 0.01 * (end - start);
  return ranges.reduce((best, range) => (scoreOf(range) > scoreOf(best) ? range : best));
}

/** The tokens that an answer is made of, also in part; undefined where it has none, being nothing but spaces. */
function tokensOf({ start, end }: TextSpan, tokens: TokenSpans): TextSpan | undefined {
  const first = tokens.ends.findIndex((tokenEnd) => tokenEnd > start);
  const last = tokens.starts.findLastIndex((tokenStart) => tokenStart < end);
  return first >= 0 && first <= last ? { start: first, end: last + 1 } : undefined;
}
