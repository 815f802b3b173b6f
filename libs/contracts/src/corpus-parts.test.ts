import { expect, it } from 'vitest';
import { parseRunConfig } from './config-parse.ts';
import { corpusWeightsText } from './corpus-parts.ts';

const parts = ['web', 'books'].map((name) => ({ name, path: name }));
const textOf = (rest: object, phaseNumber = 1): string | undefined =>
  corpusWeightsText(parseRunConfig({ name: 'r', corpus: { parts }, ...rest }, 'test'), phaseNumber);

it('tells the shares of text of a phase, and nothing where there are none', () => {
  const corpusWeights = { web: 1, books: 2 };
  const phases = [{ numSteps: 5 }, { numSteps: 5, corpusWeights: { web: 0, books: 3 } }];
  expect(textOf({})).toBeUndefined();
  expect(textOf({ examples: { corpusWeights } })).toBe('web 33.3 %, books 66.7 %');
  expect([1, 2].map((phase) => textOf({ phases }, phase))).toEqual([
    'all text',
    'web 0 %, books 100 %',
  ]);
  expect(textOf({ phases, examples: { corpusWeights } })).toBe('web 33.3 %, books 66.7 %');
});
