import { sha256Hex } from '@berth/contracts';
import { beforeAll, expect, it } from 'vitest';
import { askQuestions, type AskedQuestion } from './ask-questions.ts';
import type { LabelledText } from './label-presidents.ts';
import { readSpeeches, sentencesOf, type Speech } from './speeches.ts';
import { tagNames, type TaggedSentence } from './tag-names.ts';
import { demoFiles, demoRows, type Splits } from './write-demo-tasks.ts';

let speeches: Speech[];
let byId: Map<string, Speech>;
let rows: ReturnType<typeof demoRows>;
beforeAll(async () => {
  speeches = await readSpeeches();
  byId = new Map(speeches.map((speech) => [speech.id, speech]));
  rows = demoRows(speeches);
});

const speechOf = (id: string): string => id.split('-')[0]!;

it('keeps one of each four speeches of a president for evaluation', () => {
  const kept = speeches.filter(({ isForEval }) => isForEval);
  expect([speeches.length, kept.length]).toEqual([233, 57]);
  const lincoln = speeches.filter(({ president }) => president === 'Abraham Lincoln');
  expect(lincoln.map(({ year, isForEval }) => [year, isForEval])).toEqual([
    [1861, false],
    [1862, false],
    [1863, true],
    [1864, false],
  ]);
});

it('makes the same files each time', () => {
  const files = demoFiles(speeches, rows);
  const digests = Object.entries(files).map(([name, text]) => [name, sha256Hex(text).slice(0, 16)]);
  expect(Object.fromEntries(digests)).toMatchInlineSnapshot(`
    {
      "era-eval.jsonl": "2fa2cecc2d82e24e",
      "era-train.jsonl": "b652ff9073b27a80",
      "names-eval.conll": "0d41b376470ddb3e",
      "names-train.conll": "093b5db2c881d9aa",
      "president-eval.jsonl": "e1f18838a8bf068d",
      "president-train.jsonl": "d14f73186e51f589",
      "questions-eval.json": "387f9ee7cab98dae",
      "questions-train.json": "bdab5f8d2dfe0f0f",
      "speeches.jsonl": "5dde47717fd4affd",
    }
  `);
});

it.each(['president', 'era', 'names', 'questions'] as const)(
  '%s: learns from other speeches than it is evaluated on, and from other texts',
  (task) => {
    const { train, eval: kept }: Splits<LabelledText | TaggedSentence | AskedQuestion> = rows[task];
    const speechesOf = (some: readonly { readonly id: string }[]): boolean[] =>
      some.map(({ id }) => byId.get(speechOf(id))!.isForEval);
    expect(new Set(speechesOf(train))).toEqual(new Set([false]));
    expect(new Set(speechesOf(kept))).toEqual(new Set([true]));
    const all = [...train, ...kept];
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const learnt = new Set(train.map(textOf));
    expect(kept.map(textOf).filter((text) => learnt.has(text))).toEqual([]);
  },
);

function textOf(row: LabelledText | TaggedSentence | AskedQuestion): string {
  if ('words' in row) return row.words.join(' ');
  return 'context' in row ? `${row.question} ${row.context}` : row.text;
}

it('labels by year and president, in texts that have no digits', () => {
  for (const { id, text, label } of [...rows.era.train, ...rows.era.eval]) {
    const { year } = byId.get(speechOf(id))!;
    expect(label).toBe(year < 1900 ? 'before 1900' : 'after 1900');
    expect(text).not.toMatch(/\d|.\b(?!I\b)\p{Lu}/u);
  }
  for (const { id, text, label } of [...rows.president.train, ...rows.president.eval]) {
    expect(byId.get(speechOf(id))!.president).toBe(label);
    expect(text).not.toMatch(/\d/);
  }
  const numOf = (split: readonly LabelledText[]): number[] => [
    ...new Map(
      split.map(({ label }) => [label, split.filter((row) => row.label === label).length]),
    ).values(),
  ];
  expect(numOf(rows.president.eval)).toEqual(Array.from({ length: 6 }, () => 60));
  expect(numOf(rows.era.eval)).toEqual([300, 300]);
});

function speechOfText(text: string): Speech {
  const sentences = sentencesOf('1950_a_president_d', text);
  const common = { id: '1950_a_president_d', year: 1950, president: 'A President' };
  return { ...common, text, sentences, isForEval: false };
}

it('tags runs of words with capital letters, and gives none of them away', () => {
  const speech = speechOfText(
    `${'We know that the peace is with us. '.repeat(30)}The people of Great Britain, as I know, are with Europe. ` +
      'Britain is not far from the United States. The people of RUSSIA are with the Soviet Union.',
  );
  const [sentence, ...others] = tagNames([speech], 10);
  expect(others).toEqual([]);
  expect(sentence?.words.join(' ')).toBe(
    'the people of great britain , as i know , are with europe .',
  );
  const tags = 'O O O B-NAME I-NAME O O O O O O O B-NAME O';
  expect(sentence?.tags.join(' ')).toBe(tags);
});

it('asks for what is there once, or for what is not there at all', () => {
  const speech = speechOfText(
    'In this year we have paid the sum of $1,200.50 to Great Britain, and then $5 million more since 1945. ' +
      'In all there were $1,200.50 to be paid by us to those who were there.',
  );
  const asked = askQuestions([speech], 10);
  const answers = asked.map(({ question, answer }) => `${question} ${answer?.text ?? 'none'}`);
  expect(answers.toSorted()).toEqual([
    'How much money is it? $1,200.50',
    'Which country is named? Great Britain',
    'Which country is named? none',
    'Which year is named? 1945',
    'Which year is named? none',
  ]);
  const cutOut = asked.map(({ context, answer }) =>
    context.slice(answer?.start).slice(0, answer?.text.length ?? 0),
  );
  expect(cutOut).toEqual(asked.map(({ answer }) => answer?.text ?? ''));
});
