import {
  historyQuerySchema,
  parseRunConfig,
  tasks,
  type MetricsLine,
  type RunAttempt,
} from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { SeriesCache } from './series-cache.ts';
import { RunSeries } from './run-series.ts';

function lineOf(step: number, change: Partial<MetricsLine> = {}): MetricsLine {
  return {
    kind: 'step',
    attempt: 1,
    step,
    timeMs: 1_000 * step,
    loss: step,
    masked_lm_loss: step / 2,
    masked_lm_accuracy: 0,
    next_sentence_loss: 0,
    next_sentence_accuracy: 0,
    numTokens: 100,
    ...change,
  };
}

function attemptOf(attempt: number, abandonedFromStep: number | null = null): RunAttempt {
  return {
    attempt,
    startedAtMs: 0,
    fromStep: 0,
    endedAtMs: null,
    toStep: null,
    endReason: null,
    abandonedFromStep,
  };
}

const query = (change: object = {}) => historyQuerySchema.parse({ metrics: 'loss', ...change });

describe('a run history', () => {
  it('puts a line where its step is, in place of an earlier one', async () => {
    const history = new RunSeries(tasks.pretraining);
    for (const step of [0, 1, 3, 4, 2]) history.put(lineOf(step));
    history.put(lineOf(1, { loss: 9 }));
    const [trace] = await history.traces(query(), [attemptOf(1)]);
    expect(trace).toMatchObject({ x: [0, 1, 2, 3, 4], mean: [0, 9, 2, 3, 4], numPoints: 5 });
  });

  it('shows what a resume left behind as a trace of its own', async () => {
    const history = new RunSeries(tasks.pretraining);
    for (let step = 0; step < 6; step++) history.put(lineOf(step));
    for (let step = 3; step < 5; step++) history.put(lineOf(step, { attempt: 2 }));
    const traces = await history.traces(query(), [attemptOf(1, 3), attemptOf(2)]);
    expect(traces.map(({ attempt, isAbandoned, x }) => ({ attempt, isAbandoned, x }))).toEqual([
      { attempt: 1, isAbandoned: false, x: [0, 1, 2] },
      { attempt: 1, isAbandoned: true, x: [3, 4, 5] },
      { attempt: 2, isAbandoned: false, x: [3, 4] },
    ]);
  });

  it('gives others their turn between two metrics', async () => {
    const history = new RunSeries(tasks.pretraining);
    history.put(lineOf(0));
    let numTurns = 0;
    const count = (): void => void (numTurns++, (turn = setImmediate(count)));
    let turn = setImmediate(count);
    await history.traces(query({ metrics: 'loss,masked_lm_loss,stepMs' }), [attemptOf(1)]);
    clearImmediate(turn);
    expect(numTurns).toBeGreaterThanOrEqual(2);
  });

  it('knows the evaluation of a step, of an earlier attempt too', () => {
    const history = new RunSeries(tasks.pretraining);
    history.put(lineOf(10, { kind: 'eval' }));
    expect(history.heldOut(10, 2)).toEqual({
      loss: 10,
      masked_lm_accuracy: 0,
      masked_lm_loss: 5,
      next_sentence_accuracy: 0,
      next_sentence_loss: 0,
    });
    expect(history.heldOut(11, 2)).toBeNull();
  });

  it('orders by time what was trained again later', async () => {
    const history = new RunSeries(tasks.pretraining);
    for (let step = 0; step < 4; step++) history.put(lineOf(step));
    history.put(lineOf(1, { timeMs: 9_000 }));
    const [trace] = await history.traces(query({ x: 'time', from: 2_000, to: 9_000 }), [
      attemptOf(1),
    ]);
    expect(trace).toMatchObject({ x: [2_000, 3_000, 9_000], mean: [2, 3, 1] });
  });

  it('leaves out what was not measured', async () => {
    const history = new RunSeries(tasks.pretraining);
    history.put(lineOf(0));
    history.put(lineOf(1, { stepMs: 50 }));
    const [trace, none] = await history.traces(query({ metrics: 'tokensPerSecond,dataMs' }), []);
    expect(trace).toMatchObject({ x: [1], mean: [2_000] });
    expect(none).toBeUndefined();
  });
});

describe('histories', () => {
  const config = parseRunConfig({ name: 'a', corpus: { path: 'a.txt' } }, 'test');
  const a = { runId: 'a', createdAtMs: 1, config };

  it('read a log once, and the run that nobody asks for any more again', async () => {
    const log = Array.from({ length: 2_500 }, (_, step) => lineOf(step));
    const asked: string[] = [];
    const histories = new SeriesCache(
      {
        async after(runId, cursor, numLines) {
          asked.push(`${runId} ${cursor}`);
          const from = Number(cursor);
          const lines = log.slice(from, from + numLines);
          return { lines, cursor: String(from + lines.length) };
        },
        async *archived() {
          yield await Promise.resolve([]);
        },
      },
      { capacityBytes: 1 },
    );
    const both = await Promise.all([histories.of(a), histories.of(a)]);
    expect(both[0]).toBe(both[1]);
    expect(asked).toEqual(['a ', 'a 1000', 'a 2000']);
    log.push(lineOf(2_500));
    const [trace] = await (await histories.of(a)).traces(query(), []);
    expect(trace?.numPoints).toBe(2_501);
    await histories.of({ ...a, runId: 'b' });
    await histories.of(a);
    expect(asked.slice(-3)).toEqual(['a ', 'a 1000', 'a 2000']);
    await histories.of({ ...a, createdAtMs: 2 });
    expect(asked.slice(-3)).toEqual(['a ', 'a 1000', 'a 2000']);
    expect(asked).toHaveLength(13);
  });
});
