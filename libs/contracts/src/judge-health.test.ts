import { describe, expect, it } from 'vitest';
import type { DatasetHealth } from './dataset-health.ts';
import { describeHealth, judgeHealth, type HealthSettings } from './judge-health.ts';

const good: DatasetHealth = {
  numFiles: 2,
  numBytes: 5000,
  leftOut: { numEntries: 0, first: [] },
  encodings: { 'utf-8': 2 },
  numDocuments: 100,
  numEmptyDocuments: 0,
  numOneSentenceDocuments: 5,
  numSentences: 900,
  numTrainTokens: 9800,
  numHeldOutTokens: 200,
  numUnknownTokens: 20,
  numCharacters: 40_000,
  numUnknownCharacters: 100,
  numDroppedCharacters: 0,
  numLongWords: 0,
  numCasedEntries: 0,
  coverage: [
    { maxSeqLength: 64, ratio: 0.4 },
    { maxSeqLength: 128, ratio: 0.8 },
  ],
};
const settings: HealthSettings = { doLowerCase: true, heldOutRatio: 0.02, maxSeqLength: 128 };
const judge = (change: Partial<DatasetHealth>, other: Partial<HealthSettings> = {}): string[] =>
  judgeHealth({ ...good, ...change }, { ...settings, ...other }).map(
    ({ severity, code }) => `${severity} ${code}`,
  );

describe('judgement of a dataset', () => {
  it('finds nothing wrong with a good one', () => {
    expect(judge({})).toEqual([]);
  });

  it.each<[string, Partial<DatasetHealth>, Partial<HealthSettings>]>([
    ['warning unknown-tokens', { numUnknownTokens: 300 }, {}],
    ['refusal unknown-tokens', { numUnknownTokens: 5100 }, {}],
    ['warning one-sentence-documents', { numOneSentenceDocuments: 99 }, {}],
    ['refusal one-sentence-documents', { numOneSentenceDocuments: 100 }, {}],
    ['warning cased-vocabulary', { numCasedEntries: 7 }, {}],
    ['warning low-coverage', {}, { maxSeqLength: 100 }],
    ['warning dropped-characters', { numDroppedCharacters: 40 }, {}],
    ['warning held-out-share', {}, { heldOutRatio: 0.2 }],
    ['warning held-out-share', { numHeldOutTokens: 2000 }, {}],
    [
      'warning left-out',
      { leftOut: { numEntries: 1, first: [{ name: 'a.md', reason: 'x' }] } },
      {},
    ],
    ['warning empty-documents', { numEmptyDocuments: 1 }, {}],
    ['warning long-words', { numLongWords: 1 }, {}],
  ])('%s', (finding, change, other) => {
    expect(judge(change, other)).toEqual([finding]);
  });

  it('puts refusals first, and names what to do', () => {
    const findings = judgeHealth(
      {
        ...good,
        numLongWords: 3,
        numUnknownTokens: 9000,
        numUnknownCharacters: 36_000,
        numCasedEntries: 12,
      },
      settings,
    );
    expect(findings.map(({ text }) => text)).toEqual([
      '90 % of the tokens are [UNK], which hide 90 % of the characters: 12 entries of the vocabulary with a capital ' +
        'letter match nothing in lower-cased text: set vocabulary.doLowerCase: false',
      '3 words of more than 200 characters became one [UNK] each: put spaces between words, or take such data out of the text',
    ]);
  });

  it('names what was left out, and counts the rest', () => {
    const first = [{ name: 'a.md', reason: 'not .txt' }];
    const [finding] = judgeHealth({ ...good, leftOut: { numEntries: 12, first } }, settings);
    expect(finding?.text).toContain('left out of the corpus: a.md (not .txt) and 11 more:');
  });
});

it('describes a dataset on one line', () => {
  expect(describeHealth({ ...good, encodings: { 'utf-8': 1, 'utf-16le': 1 } })).toBe(
    '2 files, 1 file in utf-16le, 100 documents (5 of one sentence), 900 sentences, 10,000 tokens, ' +
      '2.0 % held out, 0.20 % [UNK]',
  );
});
