import { beforeAll, describe, expect, it } from 'vitest';
import { goldenBytes } from '../../testing/example-fixture.ts';
import { collect, rowsOf } from '../../testing/row-fixture.ts';
import { createSpanTokenizer } from '../../text/span-tokenizer.ts';
import { finish } from '../../text/work.ts';
import { createTokenizer, type Tokenizer } from '../../text/tokenizer.ts';
import { createVocabulary } from '../../text/vocabulary.ts';
import { answerWindows, type AnswerWindow } from '../answer/answer-windows.ts';
import { bestAnswer } from '../answer/best-answers.ts';
import { regressExamples } from '../regress/regress-examples.ts';
import { tagExamples } from '../tag/tag-examples.ts';

/** Written by tools/verify/fine-tuning/write_examples.py. */
interface Golden {
  readonly vocabulary: readonly string[];
  readonly offsets: readonly (readonly [text: string, ids: number[], spans: number[]])[];
  readonly pairs: readonly (readonly [
    maxSeqLength: number,
    a: string,
    b: string | null,
    ids: number[],
    numFirstSegment: number,
  ])[];
  readonly tags: readonly (readonly [
    maxSeqLength: number,
    words: string[],
    tags: number[],
    ids: number[],
    aligned: number[],
  ])[];
  readonly windows: readonly {
    readonly settings: readonly [maxSeqLength: number, docStride: number, maxQueryLength: number];
    readonly question: string;
    readonly context: string;
    readonly answer: readonly [text: string, start: number] | null;
    readonly windows: readonly (readonly [
      ids: number[],
      numFirstSegment: number,
      start: number,
      end: number,
      isMaxContext: string,
    ])[];
  }[];
  readonly choices: readonly (readonly [
    settings: readonly [
      maxSeqLength: number,
      docStride: number,
      numBest: number,
      maxAnswerLength: number,
      mayHaveNone: boolean,
    ],
    question: string,
    context: string,
    logits: (readonly [starts: number[], ends: number[]])[],
    text: string,
    noAnswerScore: number | null,
    candidates: (readonly [text: string, probability: number])[],
  ])[];
}

const zeroWidthSpace = '\u200b';

describe('examples are those of transformers', () => {
  let golden: Golden;
  let tokenizer: Tokenizer;
  let tokenizeSpans: ReturnType<typeof createSpanTokenizer>;
  beforeAll(() => {
    golden = JSON.parse(new TextDecoder().decode(goldenBytes('fine-tuning.json'))) as Golden;
    const vocabulary = createVocabulary(golden.vocabulary);
    tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
    tokenizeSpans = createSpanTokenizer(vocabulary, { doLowerCase: true });
  });

  const windowsOf = (
    [maxSeqLength, docStride, maxQueryLength]: readonly number[],
    values: Record<string, unknown>,
    isLabelled: boolean,
  ): Promise<AnswerWindow[]> =>
    collect(
      answerWindows(rowsOf(values), {
        tokenizer,
        tokenizeSpans,
        isLabelled,
        maxSeqLength: maxSeqLength!,
        docStride: docStride!,
        maxQueryLength: maxQueryLength!,
      }),
    );

  it('tokens stand where the fast tokenizer says', () => {
    for (const [text, ids, spans] of golden.offsets) {
      const ours = finish(tokenizeSpans(text));
      expect([text, ours.ids]).toEqual([text, ids]);
      expect([text, ours.starts.flatMap((start, i) => [start, ours.ends[i]])]).toEqual([
        text,
        spans,
      ]);
    }
  });

  it('texts and pairs are laid out and cut as the slow tokenizer does', async () => {
    for (const [maxSeqLength, text, pair, ids, numFirstSegment] of golden.pairs) {
      const row = pair === null ? { text, label: 1 } : { text, pair, label: 1 };
      const [example] = await collect(regressExamples(rowsOf(row), { tokenizer, maxSeqLength }));
      expect([text, pair, example]).toMatchObject([text, pair, { ids, numFirstSegment }]);
    }
  });

  it('the first piece of a word has its tag, as in run_ner.py', async () => {
    for (const [maxSeqLength, tokens, tags, ids, aligned] of golden.tags) {
      const [example] = await collect(
        tagExamples(rowsOf({ tokens, tags }), {
          tokenizer,
          maxSeqLength,
          labels: ['0', '1', '2', '3', '4'],
        }),
      );
      const { labels, labelWeights } = example!.columns as Record<string, number[]>;
      const ours = labels!.map((label, i) => (labelWeights![i] === 0 ? -100 : label));
      expect([tokens, example!.ids, ours]).toEqual([tokens, ids, aligned]);
      expect(example!.positions.map((position) => aligned[position] ?? -100)).toEqual(
        tags.map((tag, i) => (tokens[i] === zeroWidthSpace || isCut(example!, i) ? -100 : tag)),
      );
    }
  });

  it('windows on a context are those of run_squad.py', async () => {
    for (const { settings, question, context, answer, windows } of golden.windows) {
      const answers = answer === null ? [] : [{ text: answer[0], answer_start: answer[1] }];
      const ours = await windowsOf(settings, { question, context, answers }, true);
      expect([
        context,
        ours.map(({ ids, numFirstSegment, columns, isMaxContext }) => [
          ids,
          numFirstSegment,
          columns['startPositions'],
          columns['endPositions'],
          isMaxContext.map(Number).join(''),
        ]),
      ]).toEqual([context, windows]);
    }
  });

  it('answers are chosen as in run_squad.py', async () => {
    for (const [settings, question, context, logits, text, odds, candidates] of golden.choices) {
      const [maxSeqLength, docStride, numBest, maxAnswerLength, mayHaveNone] = settings;
      const windows = await windowsOf([maxSeqLength, docStride, 4], { question, context }, false);
      expect(windows).toHaveLength(logits.length);
      const best = bestAnswer(
        windows.map((window, i) => ({ window, starts: logits[i]![0], ends: logits[i]![1] })),
        { numBest, maxAnswerLength, mayHaveNone, noAnswerThreshold: 0.5 },
      );
      expect([context, best.text, best.candidates.map((one) => one.text)]).toEqual([
        context,
        text,
        candidates.map(([candidate]) => candidate),
      ]);
      for (const [i, [, probability]] of candidates.entries())
        expect(best.candidates[i]!.probability).toBeCloseTo(probability, 8);
      expect(best.noAnswerScore === undefined).toBe(odds === null);
      expect(best.noAnswerScore ?? 0).toBeCloseTo(odds ?? 0, 8);
    }
  });
});

const isCut = ({ positions }: { readonly positions: readonly number[] }, word: number): boolean =>
  positions[word] === -1;
