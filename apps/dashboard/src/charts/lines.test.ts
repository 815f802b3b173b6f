import { describe, expect, it } from 'vitest';
import { alignLines, stack, valueBefore } from './columns.ts';
import type { Curve } from './curve.ts';
import { toCsv } from './csv.ts';
import { linesOf, notFiniteAt, type LineOptions } from './lines.ts';
import { groupMarkers, describeGroup } from './markers.ts';
import { summarise, summariseShares } from './summary.ts';

function curve(x: number[], patch: Partial<Curve> = {}): Curve {
  const mean = x.map(Number);
  return {
    metric: 'loss',
    attempt: 1,
    isAbandoned: false,
    x,
    mean,
    min: mean,
    max: mean,
    weight: x.map(() => 1),
    width: 0,
    ...patch,
  };
}

const options: LineOptions = {
  key: 'loss',
  label: 'Loss, train',
  colour: 'series-1',
  metric: 'loss',
  axis: 'step',
  smoothing: 0,
  hasBand: false,
  isSampled: false,
};

describe('linesOf', () => {
  it('joins the attempts of a run and sets the branch that it left apart', () => {
    const lines = linesOf(
      [curve([1, 2, 3]), curve([4, 5], { isAbandoned: true }), curve([4, 5, 6], { attempt: 2 })],
      options,
    );
    expect(lines.map((line) => [line.isDashed, line.x])).toEqual([
      [false, [1, 2, 3, 4, 5, 6]],
      [true, [4, 5]],
    ]);
  });

  it('leaves a gap where nothing was measured', () => {
    const [line] = linesOf([curve([1, 2, 3, 4, 50, 51])], options);
    expect(line?.y).toEqual([1, 2, 3, 4, null, 50, 51]);
  });

  it('keeps what was measured beside the smoothed line', () => {
    const lines = linesOf([curve([1, 2, 3])], { ...options, smoothing: 10 });
    expect(lines.map((line) => line.isFaint)).toEqual([false, true]);
  });

  it('finds what is not finite', () => {
    expect(notFiniteAt([curve([1, 2], { mean: [1, null] })], ['loss'])).toEqual([2]);
  });
});

describe('columns', () => {
  const lines = [
    ...linesOf([curve([1, 2, 3])], options),
    ...linesOf([curve([2], { attempt: 1 })], { ...options, key: 'held_out' }),
  ];

  it('puts lines on one axis without inventing gaps', () => {
    const columns = alignLines(lines);
    expect(columns.x).toEqual([1, 2, 3]);
    expect(columns.ofLine[1]?.y).toEqual([undefined, 2, undefined]);
    expect(valueBefore(columns.ofLine[1]?.y ?? [], 2)).toBe(2);
  });

  it('adds up what is stacked', () => {
    expect(stack(lines)[1]?.y).toEqual([4]);
  });

  it('writes a table with a header', () => {
    expect(toCsv('step', lines, alignLines(lines))).toBe('step,loss,held_out\n1,1,\n2,2,2\n3,3,\n');
  });
});

describe('what is said', () => {
  const say = { format: String, formatX: (x: number): string => `step ${x}` };

  it('sums a line up in one sentence', () => {
    const x = Array.from({ length: 20 }, (_, i) => i + 1);
    const [line] = linesOf([curve(x, { mean: x.map((at) => 30 - at) })], options);
    expect(summarise(line, { ...say, aim: 'low' })).toBe(
      'Loss in training is 10 at step 20, its best so far, falling lately.',
    );
    expect(summarise(undefined, { ...say, aim: 'low' })).toBe('');
  });

  it('says who takes how much of a whole', () => {
    const parts = [curve([1], { mean: [3] }), curve([1], { mean: [1] })].flatMap((part, i) =>
      linesOf([part], { ...options, label: i === 0 ? 'Compute' : 'All-reduce' }),
    );
    expect(summariseShares(parts)).toBe('Lately compute 75%, all-reduce 25%.');
  });

  it('joins markers that are too close to tell apart, led by the most telling', () => {
    const marker = { attempt: 1, timeMs: 0 };
    const groups = groupMarkers(
      [
        { ...marker, kind: 'checkpoint', step: 100, text: 'Checkpoint' },
        { ...marker, kind: 'lost', step: 103, text: 'worker-2 lost' },
        { ...marker, kind: 'joined', step: 900, text: 'worker-3 joined' },
      ],
      'step',
      10,
    );
    expect(groups.map(({ kind }) => kind)).toEqual(['lost', 'joined']);
    expect(groups.map(describeGroup)).toEqual(['Checkpoint · worker-2 lost', 'worker-3 joined']);
  });
});
