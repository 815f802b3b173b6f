import type { MetricsLine, MetricsPage, RunAttempt } from '@berth/contracts';
import { newAttempt } from '@berth/protocol';
import { describe, expect, it } from 'vitest';
import type { SeriesSource } from './series-cache.ts';
import { RunOutlines, type OutlinedRun } from './run-outlines.ts';

function lineOf(step: number, change: Partial<MetricsLine> = {}): MetricsLine {
  return {
    kind: 'step',
    attempt: 1,
    step,
    timeMs: step,
    loss: 10 - step / 10_000,
    masked_lm_loss: 1,
    masked_lm_accuracy: 0,
    next_sentence_loss: 0,
    next_sentence_accuracy: 0,
    numTokens: 1,
    ...change,
  };
}

const evalOf = (step: number, change: Partial<MetricsLine> = {}): MetricsLine =>
  lineOf(step, { kind: 'eval', ...change });

/** A log that counts what it hands out, and what lies in the store besides. */
class MadeUpSource implements SeriesSource {
  numLines = 0;
  isStoreAway = false;
  readonly log: MetricsLine[];
  readonly stored: readonly MetricsLine[];

  constructor(log: MetricsLine[], stored: readonly MetricsLine[] = []) {
    this.log = log;
    this.stored = stored;
  }

  async after(_runId: string, cursor: string, numLines: number): Promise<MetricsPage> {
    await Promise.resolve();
    const start = Number(cursor);
    const lines = this.log.slice(start, start + numLines);
    this.numLines += lines.length;
    return { lines, cursor: String(start + lines.length) };
  }

  async *archived(): AsyncGenerator<readonly MetricsLine[]> {
    await Promise.resolve();
    if (this.isStoreAway) throw new Error('the store is away');
    yield this.stored;
  }
}

function runOf(numCommitted: number, attempts: RunAttempt[] = [newAttempt(1, 0, 0)]): OutlinedRun {
  return { run: { runId: 'r', createdAtMs: 1, attempts }, numCommitted };
}

const linesTo = (numSteps: number, fromStep = 0): MetricsLine[] =>
  Array.from({ length: numSteps - fromStep }, (_, index) => lineOf(fromStep + index));
const patienceMs = 60_000;

describe('an outline', () => {
  it('knows an evaluation of long ago and the whole course of the loss', async () => {
    const source = new MadeUpSource(linesTo(1_640).toSpliced(1_500, 0, evalOf(1_500)));
    const outline = await new RunOutlines(source).of(runOf(1_640), patienceMs);
    expect(outline?.lastEval?.step).toBe(1_500);
    const course = outline?.lossCourse() ?? [];
    expect(course.length).toBeGreaterThanOrEqual(20);
    expect(course.length).toBeLessThanOrEqual(40);
    // Parts are 64 steps wide: the means of the first and of the last, which has 40.
    expect(course[0]).toBeCloseTo(10 - 31.5 / 10_000, 9);
    expect(course.at(-1)).toBeCloseTo(10 - (1_600 + 19.5) / 10_000, 9);
  });

  it('has the values themselves while they are few', async () => {
    const source = new MadeUpSource(linesTo(3));
    const outline = await new RunOutlines(source).of(runOf(3), patienceMs);
    expect(outline?.lossCourse()).toEqual([10, 9.9999, 9.9998]);
  });

  it('reads only what is new, however many ask at once', async () => {
    const source = new MadeUpSource(linesTo(5_000));
    const outlines = new RunOutlines(source);
    const ask = async (): Promise<void> => {
      await Promise.all(
        Array.from({ length: 200 }, async () => outlines.of(runOf(5_000), patienceMs)),
      );
    };
    await ask();
    expect(source.numLines).toBeLessThan(5_000 + 10);
    source.numLines = 0;
    source.log.push(lineOf(5_000), evalOf(5_001));
    await ask();
    expect(source.numLines).toBe(2);
    expect((await outlines.of(runOf(5_001), patienceMs))?.lastEval?.step).toBe(5_001);
  });

  it('leaves out what a resume has left behind, also when it was read before', async () => {
    const log = [...linesTo(300), evalOf(100), evalOf(300, { loss: 1 })];
    const outlines = new RunOutlines(new MadeUpSource(log));
    expect((await outlines.of(runOf(300), patienceMs))?.lastEval?.step).toBe(300);
    const first = { ...newAttempt(1, 0, 0), abandonedFromStep: 100 };
    const back = await outlines.of(runOf(100, [first, newAttempt(2, 100, 0)]), patienceMs);
    expect(back?.lastEval?.step).toBe(100);
    expect(back?.lastStep?.step).toBe(99);
    expect(Math.min(...(back?.lossCourse() ?? []))).toBeGreaterThan(10 - 100 / 10_000);
  });

  it('begins anew for another run of the same name', async () => {
    const source = new MadeUpSource([...linesTo(50), evalOf(50)]);
    const outlines = new RunOutlines(source);
    const { run } = runOf(50);
    await outlines.of({ run, numCommitted: 50 }, patienceMs);
    source.log.length = 0;
    const next = { run: { ...run, createdAtMs: 2 }, numCommitted: 0 };
    expect((await outlines.of(next, patienceMs))?.lastEval).toBeNull();
  });

  it('takes from the store what the log no longer has, once the store is there', async () => {
    const source = new MadeUpSource(linesTo(900, 700), [...linesTo(800), evalOf(500)]);
    source.isStoreAway = true;
    const outlines = new RunOutlines(source, { retryMs: 0 });
    const before = await outlines.of(runOf(900), patienceMs);
    expect(before?.lastStep?.step).toBe(899);
    expect(before?.lastEval).toBeNull();
    source.isStoreAway = false;
    const after = await outlines.of(runOf(900), patienceMs);
    expect(after?.lastEval?.step).toBe(500);
    expect(after?.lossCourse()[0]).toBeCloseTo(10 - 15.5 / 10_000, 9);
  });

  it('does not ask the store for what the log has from the beginning', async () => {
    const source = new MadeUpSource([evalOf(0), ...linesTo(9)]);
    source.isStoreAway = true;
    const outlines = new RunOutlines(source, { retryMs: 0 });
    await outlines.of(runOf(9), patienceMs);
    source.numLines = 0;
    await outlines.of(runOf(9), patienceMs);
    expect(source.numLines).toBe(0);
  });

  it('keeps nobody waiting for a long first read', async () => {
    const source = new MadeUpSource(linesTo(3));
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const read = source.after.bind(source);
    source.after = async (...args) => {
      await held;
      return read(...args);
    };
    const outlines = new RunOutlines(source);
    expect(await outlines.of(runOf(3), 1)).toBeUndefined();
    goOn();
    expect((await outlines.of(runOf(3), patienceMs))?.lastStep?.step).toBe(2);
  });
});
