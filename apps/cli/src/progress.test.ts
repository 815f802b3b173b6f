import { parseRunConfig, type MetricsLine, type RunStatusReport } from '@berth/contracts';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Progress, progressLine } from './progress.ts';

const config = parseRunConfig(
  { name: 'r', corpus: { path: '/t' }, cluster: { numWorkers: 2 } },
  'test',
);

function line(step: number, loss: number): MetricsLine {
  return {
    kind: 'step',
    attempt: 1,
    step,
    timeMs: 0,
    loss,
    masked_lm_loss: loss - 0.68,
    masked_lm_accuracy: 0.1,
    next_sentence_loss: 0.68,
    next_sentence_accuracy: 0.5,
    learningRate: 9.5e-5,
    numTokens: 1,
  };
}

/** Only what a line is made of. */
function report(
  change: Partial<RunStatusReport> & { status?: string; reason?: string } = {},
): RunStatusReport {
  const { status = 'running', reason = '2 workers', ...rest } = change;
  return {
    run: { runId: 'r', config, status, reason },
    step: 1_234,
    numSteps: 2_000,
    last: line(1_234, 7.2134),
    lastEval: line(1_200, 6.9512),
    tokensPerSecond: 12_345,
    etaMs: 190_000,
    view: { members: [{}, {}] },
    ...rest,
  } as unknown as RunStatusReport;
}

describe('the line of a run', () => {
  it.each([
    [
      Infinity,
      'running  step 1234/2000  61%  train loss 7.213  held-out 6.951  mlm 6.533  nsp 0.680  lr 9.5e-5  12,345 tok/s  ETA 3m 10s  2 workers',
    ],
    [
      100,
      'running  step 1234/2000  61%  train loss 7.213  held-out 6.951  lr 9.5e-5  12,345 tok/s  ETA 3m 10s',
    ],
    [79, 'step 1234/2000  61%  train loss 7.213  held-out 6.951  12,345 tok/s  ETA 3m 10s'],
    [39, '1234/2000 61% loss 7.21 12k/s ETA 3m'],
    [30, '1234/2000 61% loss 7.21 ETA 3m'],
    [24, '1234/2000 61% loss 7.21'],
    [8, '1234/20…'],
  ])('of %d characters keeps what matters most', (width, text) => {
    expect(progressLine(report(), width)).toBe(text);
  });

  it('says what is awaited before and between training', () => {
    const before = { step: 0, last: null, lastEval: null, tokensPerSecond: null, view: null };
    const reason = 'reading the corpus: 11 % of 10.8 MB, 5.0 MB/s (tokenising)';
    const reading = report({ ...before, status: 'preparing', reason });
    expect(progressLine(reading)).toBe(`preparing  ${reason}`);
    expect(progressLine(reading, 39)).toBe('reading the corpus: 11 % of 10.8 MB, 5…');
    const lost = report({
      status: 'recovering',
      reason: 'waiting for a worker',
      etaMs: null,
    });
    expect(progressLine(lost)).toMatch(/^recovering  step 1234.*waiting for a worker$/);
    const one = { members: [{}] } as unknown as RunStatusReport['view'];
    const short = '1 of 2 workers; compiling, 9 s so far: worker-2';
    expect(progressLine(report({ view: one, reason: short }))).toMatch(new RegExp(`${short}$`));
  });

  it.each([
    [0, '2 workers; computing the first step'],
    [2_000, '2 workers; saving the last checkpoint'],
  ])('says what is done besides steps, at step %d', (step, reason) => {
    const text = progressLine(report({ step, reason, etaMs: step === 0 ? null : 0 }));
    expect(text).toMatch(new RegExp(`${reason}$`));
    expect(text).not.toContain('ETA');
  });
});

it('shows each phase once where a line cannot be redrawn, and numbers now and then', () => {
  const shown: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      shown.push(String(chunk));
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  const progress = new Progress(stream, 10_000);
  const at = (reason: string): RunStatusReport =>
    report({ status: 'starting', step: 0, last: null, reason, view: null });
  progress.show(at('reading the corpus: 3 % of 10.8 MB, 5.0 MB/s (tokenising)'), 100);
  progress.show(at('reading the corpus: 9 % of 10.8 MB, 4.5 MB/s (tokenising)'), 1_100);
  progress.show(at('compiling, 0 s so far: worker-1-aaaaaa'), 1_200);
  progress.show(at('compiling, 9 s so far: worker-1-aaaaaa'), 10_200);
  progress.show(at('compiling, 11 s so far: worker-1-aaaaaa'), 11_300);
  expect(shown.map((text) => /\d+(?= %| s)/.exec(text)?.[0])).toEqual(['3', '0', '11']);
});
