import type { LogLine, RunStatusReport } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { appendLogLines, applyEvent, emptyState, listRuns, type LiveState } from './live-state.ts';
import { passes } from './run-logs.ts';

function report(runId: string, createdAtMs: number, updatedAtMs = 0, step = 0): RunStatusReport {
  return { run: { runId, createdAtMs, updatedAtMs }, step } as RunStatusReport;
}

const line: LogLine = {
  timeMs: 5,
  level: 'warn',
  message: 'Step took 2 s',
  app: 'worker',
  source: 'worker-1',
  runId: 'a',
  attempt: 1,
  step: 7,
  fields: { ms: 2000 },
};

describe('applyEvent', () => {
  it('lists runs newest first and replaces a run by its newer report', () => {
    const events = [report('a', 1), report('b', 2), report('a', 1, 5, 40)].map(
      (each) => ({ type: 'run', report: each }) as const,
    );
    const state = events.reduce(applyEvent, emptyState);
    expect(listRuns(state)?.map(({ run, step }) => [run.runId, step])).toEqual([
      ['b', 0],
      ['a', 40],
    ]);
  });

  it('does not go back when a stream replays what is past', () => {
    const newer = applyEvent(emptyState, { type: 'run', report: report('a', 1, 9, 50) });
    expect(applyEvent(newer, { type: 'run', report: report('a', 1, 3, 20) })).toBe(newer);
  });

  it('takes workers only of the run whose page is open', () => {
    const open: LiveState = {
      ...emptyState,
      open: { runId: 'a', workers: null, checkpoints: null },
    };
    expect(applyEvent(open, { type: 'workers', runId: 'b', workers: [] })).toBe(open);
    expect(applyEvent(open, { type: 'workers', runId: 'a', workers: [] }).open?.workers).toEqual(
      [],
    );
  });
});

describe('log lines', () => {
  it('come once, however often they are sent, and no more than the limit', () => {
    const once = appendLogLines([], [line], 10);
    expect(appendLogLines(once, [line], 10)).toBe(once);
    const later = { ...line, timeMs: 6 };
    expect(appendLogLines(once, [line, later], 1)).toEqual([later]);
  });

  it('pass the filter by level, process and text of message or fields', () => {
    const all = { level: 'debug', source: '', text: '' };
    expect(passes(line, { ...all, level: 'error' })).toBe(false);
    expect(passes(line, { ...all, source: 'worker-2' })).toBe(false);
    expect(passes(line, { ...all, text: 'TOOK' })).toBe(true);
    expect(passes(line, { ...all, text: '2000' })).toBe(true);
    expect(passes(line, { ...all, text: 'nan' })).toBe(false);
  });
});
