import {
  evaluationMetrics,
  fineTuningReportSchema,
  fineTuningTask,
  reportLimits,
} from '@berth/contracts';
import { heldOutRowOf } from '@berth/data';
import { assert, constantFrom, integer, nat, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerCase,
  goldenCases,
  reportOn,
  tagCase,
  textCase,
  type MeterCase,
} from '../../testing/tasks/report-fixture.ts';
import { numbersOf } from './report-numbers.ts';

describe.each(Object.entries(goldenCases))('%s', (_, [...all]) => {
  it('reports the same whatever the order and size of batches', () => {
    assert(
      property(constantFrom(...all), nat(), integer({ min: 1, max: 7 }), (one, seed, size) => {
        const order = one.rows
          .map((__, example) => example)
          .sort((a, b) => ((a * 7919 + seed) % 101) - ((b * 7919 + seed) % 101));
        expect(reportOn(one, order, size)).toEqual(reportOn(one));
      }),
      { numRuns: 20 },
    );
  });

  it('has what its task names, and nothing else', () => {
    for (const one of all) {
      const task = fineTuningTask(one.fineTuning);
      const names = evaluationMetrics(task).map(({ name }) => name);
      const report = reportOn(one);
      expect(Object.keys(report.metrics).filter((name) => !names.includes(name))).toEqual([]);
      expect(task.reportMetrics.filter(({ name }) => !(name in report.metrics))).toEqual([]);
      const reached = Object.keys(numbersOf({ ...report, metrics: {} }));
      expect(reached.filter((name) => !task.baselines.some((one) => one.name === name))).toEqual(
        [],
      );
    }
  });
});

describe('a perfect predictor gets 1 in everything, and has nothing wrong', () => {
  const hot = (truth: number, width: number): number[] =>
    Array.from({ length: width }, (_, i) => (i === truth ? 9 : -9));

  it.each<[string, MeterCase]>([
    [
      'classify',
      textCase(
        { kind: 'classify', labels: ['no', 'yes'] },
        [0, 1, 1],
        [0, 1, 1].map((truth) => hot(truth, 2)),
      ),
    ],
    [
      'classify-many',
      textCase(
        { kind: 'classify-many', labels: ['a', 'b'] },
        [
          [0, 1],
          [1, 1],
          [0, 0],
        ],
        [
          [-9, 9],
          [9, 9],
          [-9, -9],
        ],
      ),
    ],
    ['regress', textCase({ kind: 'regress' }, [1, 2, 5], [1, 2, 5])],
    [
      'tag',
      tagCase(
        ['B-X', 'I-X', 'O'],
        [
          [0, 1, 2],
          [2, 0],
        ],
        [
          [0, 1, 2],
          [2, 0],
        ].map((tags) => tags.map((tag) => hot(tag, 3))),
      ),
    ],
    [
      'tag, BILOU',
      tagCase(
        ['B-X', 'L-X', 'O', 'U-X'],
        [[0, 1, 3, 3, 2]],
        [[0, 1, 3, 3, 2].map((tag) => hot(tag, 4))],
      ),
    ],
    [
      'answer',
      answerCase([
        { context: 'a red cat', answers: [[1, 2]], starts: [-9, 0, 9, 0], ends: [-9, 0, 0, 9] },
        { context: 'a red cat', answers: [], starts: [9, 0, 0, 0], ends: [9, 0, 0, 0] },
      ]),
    ],
  ])('%s', (_, perfect) => {
    const report = reportOn(perfect);
    const isLoss = (name: string): boolean => name.endsWith('_loss');
    for (const [name, value] of Object.entries(report.metrics))
      expect([name, value]).toEqual([name, expect.closeTo(isLoss(name) ? 0 : 1, 12)]);
    const outcomes = report.worst.flatMap((one) => one.outcomes);
    for (const { predicted, truth } of outcomes) expect(predicted).toEqual(truth);
  });
});

it('counts two entities side by side in BILOU, each of one word', () => {
  const one = tagCase(
    ['O', 'U-X'],
    [[1, 1, 0]],
    [
      [
        [-1, 1],
        [-1, 1],
        [1, -1],
      ],
    ],
  );
  expect(reportOn(one).scores!.rows).toMatchObject([{ label: 'X', support: 2, f1: 1 }]);
});

describe('the worst examples', () => {
  it('are those that the model was most sure of and wrong about', () => {
    const one = textCase(
      { kind: 'classify', labels: ['no', 'yes'] },
      [0, 1, 0, 1],
      [
        [2, 0],
        [1, 0],
        [0, 3],
        [0, 1],
      ],
    );
    const { worst } = reportOn(one);
    expect(worst.map(({ example }) => example)).toEqual([2, 1, 3, 0]);
    expect(worst[0]).toMatchObject({
      place: { path: 'made up', at: 'line 3' },
      texts: ['text 2', 'the second'],
      outcomes: [{ predicted: 'yes', truth: 'no', probability: expect.closeTo(0.9526, 4) }],
    });
  });

  it('say which words of a sentence are wrong, and which were not seen', () => {
    const { worst } = reportOn(
      tagCase(
        ['B-X', 'O'],
        [[0, 1, 0]],
        [
          [
            [3, 0],
            [1, 0],
          ],
        ],
      ),
    );
    expect(worst[0]!.outcomes).toMatchObject([
      { word: 'word1', at: 1, predicted: 'B-X', truth: 'O', probability: expect.closeTo(0.731, 3) },
      { word: 'word2', at: 2, predicted: null, truth: 'B-X' },
    ]);
  });

  it('show the answer inside a long context', () => {
    const filler = Array.from({ length: 16 }, () => 'x'.repeat(90)).join(' ');
    const one = answerCase([
      {
        context: `${filler} right wrong`,
        answers: [[16, 16]],
        starts: [0, ...Array.from({ length: 17 }, () => -9), 9],
        ends: [0, ...Array.from({ length: 17 }, () => -9), 9],
      },
    ]);
    const [worst] = reportOn(one).worst;
    expect(worst!.outcomes).toMatchObject([{ predicted: 'wrong', truth: 'right' }]);
    expect(worst!.texts[1]).toMatch(/^….* right wrong$/);
    expect(worst!.texts[1]!.length).toBe(reportLimits.textLength);
  });
});

it('leaves out questions of which a window is missing, and says how many', () => {
  const one = answerCase([
    { context: 'a cat', answers: [[1, 1]], starts: [0, 0, 1], ends: [0, 0, 1] },
    { context: 'a dog', answers: [[1, 1]], starts: [0, 0, 1], ends: [0, 0, 1] },
  ]);
  const [first, second] = one.rows;
  const rows = [first!, second!, second!];
  const report = reportOn({ ...one, rows }, [0, 1]);
  expect(report).toMatchObject({ numExamples: 1, answers: { numIncomplete: 1 } });
});

it('has a report of bounded size, and says what is left out', () => {
  const labels = Array.from({ length: 400 }, (_, number) => `${number} ${'x'.repeat(200)}`);
  const truth = Array.from({ length: 1000 }, (_, example) => example % 400);
  const logits = truth.map((_, example) =>
    labels.map((__, label) => ((example * label) % 97) / 10),
  );
  const one = textCase({ kind: 'classify', labels }, truth, logits);
  const rows = one.rows.map((row) => ({ ...row, texts: ['y'.repeat(5000), 'z'.repeat(5000)] }));
  const report = reportOn({ ...one, rows });
  expect(JSON.stringify(report).length).toBeLessThan(200_000);
  expect(report.worst).toHaveLength(reportLimits.worst);
  const { classes, counts, numLeftOut } = report.confusion!;
  expect(classes).toHaveLength(reportLimits.confusionClasses);
  expect(counts.flat().reduce((sum, count) => sum + count, numLeftOut)).toBe(1000);
  expect(report.scores).toMatchObject({ numLeftOut: 100 });
  expect(() => fineTuningReportSchema.parse(report)).not.toThrow();
});

it('refuses outputs and rows of another task', () => {
  const one = textCase({ kind: 'classify', labels: ['no', 'yes'] }, [0], [[0, 1]]);
  expect(() => reportOn({ ...one, outputs: { logits: new Float32Array(3) } })).toThrow(
    'the head gave 3 logits instead of 2',
  );
  expect(() => reportOn({ ...one, outputs: {} })).toThrow('the head gave no logits');
  const sentence = heldOutRowOf({
    place: { path: 'f', at: 'line 1' },
    ids: [2, 3],
    numFirstSegment: 2,
    columns: {},
    words: ['a'],
    tags: [0],
    positions: [1],
  });
  expect(() => reportOn({ ...one, rows: [sentence] })).toThrow('one of another task');
  expect(() => reportOn({ ...one, rows: [] }, [0])).toThrow('none of example 0');
});
