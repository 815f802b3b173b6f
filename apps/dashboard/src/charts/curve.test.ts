import type { MetricsLine, Trace } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { appendLines, coarsen, curveOfTrace, valueOf, type Curve } from './curve.ts';

function line(step: number, patch: Partial<MetricsLine> = {}): MetricsLine {
  return {
    kind: 'step',
    attempt: 1,
    step,
    timeMs: step * 1000,
    loss: step,
    masked_lm_loss: step,
    masked_lm_accuracy: 0.5,
    next_sentence_loss: 0,
    next_sentence_accuracy: 0.5,
    numTokens: 2000,
    stepMs: 500,
    ...patch,
  };
}

const trace: Trace = {
  metric: 'loss',
  attempt: 1,
  isAbandoned: false,
  x: [10, 20, 30],
  mean: [5, 15, 25],
  min: [0, 10, 20],
  max: [9, 19, 29],
  numPoints: 30,
};
const options = { metrics: ['loss'], axis: 'step', limit: 1000 } as const;

function only(curves: readonly Curve[]): Curve {
  expect(curves).toHaveLength(1);
  return curves[0] as Curve;
}

describe('appendLines', () => {
  it('puts live points into the bucket that they fall into', () => {
    const curve = only(appendLines([curveOfTrace(trace)], [line(31), line(32), line(40)], options));
    expect(curve.x).toEqual([10, 20, 32, 40]);
    expect(curve.max).toEqual([9, 19, 32, 40]);
    expect(curve.weight.reduce((sum, each) => sum + each, 0)).toBe(33);
  });

  it('leaves out lines that are there already, so a replayed stream changes nothing', () => {
    const lines = [line(31), line(32), line(41)];
    const once = appendLines([curveOfTrace(trace)], lines, options);
    expect(appendLines(once, lines, options)).toEqual(once);
    expect(appendLines(once, [line(7)], options)).toEqual(once);
  });

  it('starts a curve for a new attempt and leaves the abandoned one alone', () => {
    const left = { ...curveOfTrace(trace), isAbandoned: true };
    const curves = appendLines(
      [left],
      [line(21, { attempt: 2 }), line(22, { attempt: 1 })],
      options,
    );
    expect(curves).toHaveLength(3);
    expect(curves[0]).toBe(left);
  });

  it('keeps a value that is not finite as a visible hole', () => {
    const curve = only(appendLines([], [line(1), line(2, { loss: NaN }), line(3)], options));
    expect(curve.mean).toEqual([1, null, 3]);
  });
});

describe('coarsen', () => {
  it('halves a long curve and loses no extreme and no weight', () => {
    const lines = Array.from({ length: 1000 }, (_, i) => line(i + 1, { loss: i === 417 ? 99 : 1 }));
    const curve = only(appendLines([], lines, { ...options, limit: 300 }));
    expect(curve.x.length).toBeLessThanOrEqual(300);
    expect(curve.x.at(-1)).toBe(1000);
    expect(Math.max(...curve.max.map(Number))).toBe(99);
    expect(curve.weight.reduce((sum, each) => sum + each, 0)).toBe(1000);
  });

  it('leaves a short curve as it is', () => {
    const curve = curveOfTrace(trace);
    expect(coarsen(curve, 3)).toBe(curve);
  });
});

it('reckons tokens per second from a line', () => {
  expect(valueOf(line(1), 'tokensPerSecond')).toBe(4000);
  expect(valueOf(line(1, { stepMs: 0 }), 'tokensPerSecond')).toBeUndefined();
  expect(valueOf(line(1), 'gradientNorm')).toBeUndefined();
});
