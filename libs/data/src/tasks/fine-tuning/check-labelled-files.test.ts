import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FineTuningSection } from '@berth/contracts';
import { afterAll, expect, it } from 'vitest';
import { folderStore, temporaryFolder } from '../../testing/example-fixture.ts';
import { specialTokens } from '../../text/vocabulary.ts';
import { checkLabelledFiles } from './check-labelled-files.ts';
import { prepareLabelledDataset } from './prepare-labelled-dataset.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
const vocabulary = join(folder, 'vocab.txt');
writeFileSync(vocabulary, [...specialTokens, 'a', 'cat'].join('\n'));

const rows = Array.from({ length: 100 }, (_, row) => ({ text: `a ${row}`, label: row % 2 }));
const lines = (all: readonly object[]): string =>
  all.map((row) => `${JSON.stringify(row)}\n`).join('');
const question = (context: string, answers: readonly object[]): object => ({
  question: 'a?',
  context,
  answers,
});

type Written = Omit<FineTuningSection, 'train' | 'eval'>;

const classify: Written = { kind: 'classify' };
const answer: Written = { kind: 'answer', maxQueryLength: 4 };

const cases: readonly (readonly [wrong: RegExp, task: Written, train: string, heldOut?: string])[] =
  [
    [/^sound$/, classify, lines(rows)],
    [
      /^sound$/,
      answer,
      lines([question('a cat', [{ text: 'cat', answer_start: 2 }])]),
      lines([question('a', [])]),
    ],
    [/line 101: has no label/, classify, lines([...rows, { text: 'a' }])],
    [
      /eval\.jsonl: line 2: its label "2" is none of/,
      classify,
      lines(rows),
      lines([
        { text: 'a', label: 0 },
        { text: 'a', label: 2 },
      ]),
    ],
    [
      /eval\.jsonl: line 1: .*"text": write a text/,
      classify,
      lines(rows),
      lines([{ text: 3, label: 1 }]),
    ],
    [
      /line 1: its target is not a finite number/,
      { kind: 'regress' },
      lines([{ text: 'a', score: 'b' }]),
      lines([{ text: 'a', score: 1 }]),
    ],
    [
      /line 1: has 2 words and 1 tags/,
      { kind: 'tag' },
      lines([
        { tokens: ['a', 'b'], tags: ['O'] },
        { tokens: ['a'], tags: ['B-X'] },
      ]),
    ],
    [
      /line 1: an answer of it is not at character 2/,
      answer,
      lines([question('a', [{ text: 'cat', answer_start: 2 }])]),
      lines([question('a', [])]),
    ],
    [
      /line 1: its context has no words/,
      answer,
      lines([question(' ', [])]),
      lines([question('a', [])]),
    ],
    [
      /leaves no room for a context/,
      { kind: 'answer' },
      lines([question('a', [])]),
      lines([question('a', [])]),
    ],
    [/"x" is none of the labels/, { kind: 'classify', classWeights: { x: 1 } }, lines(rows)],
    [/no row is held out for evaluation/, { kind: 'classify', heldOutRatio: 1e-9 }, lines(rows)],
  ];

it.each(cases.map((one) => ({ one, wrong: String(one[0]) })))(
  'files are checked as they are read for training: $wrong',
  async ({ one: [wrong, written, train, heldOut] }) => {
    const own = mkdtempSync(join(folder, 'rows-'));
    const place = (name: string, text: string): string => {
      writeFileSync(join(own, name), text);
      return join(own, name);
    };
    const task: FineTuningSection = {
      ...written,
      train: place('train.jsonl', train),
      ...(heldOut !== undefined && { eval: place('eval.jsonl', heldOut) }),
    };
    const checked = checkLabelledFiles(task, 16);
    const prepared = prepareLabelledDataset(
      {
        kind: 'labelledDataset',
        runId: 'r',
        task,
        vocabulary: { path: vocabulary, size: 7, minFrequency: 1, doLowerCase: true },
        maxSeqLength: 16,
        numShards: 2,
        askedAtMs: 1,
      },
      folderStore(join(own, 'store')),
    );
    const [said, saidInTraining] = await Promise.all(
      [checked, prepared].map((attempt) => attempt.then(() => 'sound', String)),
    );
    expect(said).toBe(saidInTraining);
    expect(said).toMatch(wrong);
  },
);
