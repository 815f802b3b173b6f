import { describe, expect, it } from 'vitest';
import { confusionMatrix } from './classification.ts';
import { pearson } from './correlation.ts';
import { entityReport } from './entities/entity-report.ts';
import { scoreAnswers } from './answers/score-answers.ts';

describe('what a metric refuses', () => {
  it('says how many predictions there are for how many truths', () => {
    expect(() => confusionMatrix([0, 1], [0], 2)).toThrow('1 predictions for 2 classes');
    expect(() => pearson([1], [1, 2])).toThrow('2 predictions for 1 values');
    expect(() => entityReport([['O', 'O']], [['O']])).toThrow('1 predictions for 2 words');
  });

  it('names a class that is none, and a tag that is none of the scheme', () => {
    expect(() => confusionMatrix([0], [2], 2)).toThrow('class 2 is none of 0 to 1');
    expect(() => entityReport([['E-PER']], [['O']], 'IOB2')).toThrow(
      'tag "E-PER" is none of IOB2, whose tags begin with I, O, B',
    );
  });

  it('is not defined of nothing, or 0 where the reference says so', () => {
    expect(pearson([], [])).toBeNaN();
    expect(entityReport([], [])).toMatchObject({ wordAccuracy: 0, micro: { f1: 0 } });
    expect(scoreAnswers([])).toMatchObject({ exact: 0, total: 0, best: { f1: 0 } });
  });
});
