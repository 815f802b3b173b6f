import { describe, expect, it } from 'vitest';
import { decide, paceOf } from './budget.ts';
import type { Part } from './part.ts';
import { planParts, type Wish } from './plan.ts';
import { reasonIn, runProgram } from './run-program.ts';
import { describe as describeRun } from './table.ts';
import { judge } from './verdict.ts';

const wish: Wish = {
  device: 'gpu',
  models: ['tiny', 'mini', 'small', 'medium', 'base', 'large'],
  precisions: ['fp32', 'tf32', 'bf16'],
  seqs: [128, 512],
  numTokens: 8192,
  numThreads: 2,
  rivals: ['eager', 'compiled'],
  python: 'python3',
};

const machine = {
  gpu: null,
  processor: 'some',
  numProcessors: 2,
  memoryBytes: 2 ** 34,
  system: 'Linux',
  node: 'v20',
  load: 0,
  pytorch: null,
  pytorchMissing: 'No module named torch',
};

function partOf(name: string): Part {
  const part = planParts(wish).find((one) => one.name === name);
  if (part === undefined) throw new Error(`no part ${name}`);
  return part;
}

describe('the plan', () => {
  it('has every case once, the most valuable first', () => {
    const names = planParts(wish).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(3 + 6 * 3 + 6 * 3 * 2 * 2);
    expect(names.slice(0, 3)).toEqual(['products-fp32', 'products-tf32', 'products-bf16']);
    expect(names.slice(3, 8)).toContain('bits-mini-fp32');
    expect(names.slice(3, 8)).toContain('step-base-128-bf16-eager');
    expect(names.at(-1)).toMatch(/^step-(?:small|medium)-512-tf32-compiled$/);
  });

  it('gives a step the same tokens at each length', () => {
    const shapes = planParts(wish).flatMap((part) => (part.kind === 'step' ? [part.shape] : []));
    for (const { seq, batch, predictions } of shapes)
      expect([batch, predictions]).toEqual(seq === 128 ? [64, 20] : [16, 80]);
  });
});

describe('the budget', () => {
  const clock = { budgetMs: 600_000, elapsedMs: 500_000, pace: 2, laterMs: 600_000 };

  it('skips what does not fit, and ends what hangs', () => {
    expect(decide({ estimateMs: 51_000 }, clock)).toEqual({
      do: 'skip',
      reason: 'takes about 102 s, and 100 s of the budget are left',
    });
    expect(decide({ estimateMs: 49_000 }, clock)).toEqual({ do: 'run', deadlineMs: 100_000 });
    expect(decide({ estimateMs: 30_000 }, { ...clock, elapsedMs: 0, pace: 1 })).toEqual({
      do: 'run',
      deadlineMs: 180_000,
    });
    // Nothing comes after it.
    expect(decide({ estimateMs: 30_000 }, { ...clock, elapsedMs: 0, laterMs: 0 })).toEqual({
      do: 'run',
      deadlineMs: 600_000,
    });
  });

  it('learns from the parts that ran how slow the machine is', () => {
    const [first] = planParts(wish);
    const took = (tookMs: number, status: 'done' | 'failed') => [
      { part: first!.name, status, tookMs } as const,
    ];
    expect(paceOf([first!], [])).toBe(1);
    expect(paceOf([first!], took(80_000, 'done'))).toBe(2);
    expect(paceOf([first!], took(1000, 'failed'))).toBe(1);
  });
});

describe('a program', () => {
  const node = process.execPath;

  it('that fails says why', async () => {
    const program = 'console.error("RangeError: too small\\n  at x"); process.exit(3)';
    expect(await runProgram(node, ['-e', program], { deadlineMs: 60_000 })).toMatchObject({
      failure: 'RangeError: too small (exit code 3)',
    });
    expect(await runProgram('/nowhere/python', [], { deadlineMs: 60_000 })).toMatchObject({
      failure: expect.stringContaining('ENOENT') as string,
    });
    expect(reasonIn('one\ntwo')).toBe('two');
  });

  it('that hangs is ended with what it has started', async () => {
    const forever = 'setInterval(() => 0, 1e6)';
    const program = `require('node:child_process').spawn(process.execPath, ['-e', '${forever}'], { stdio: 'inherit' }); ${forever}`;
    // Its output closes, and with that the promise resolves, only when both have ended.
    const { failure } = await runProgram(node, ['-e', program], { deadlineMs: 2000 });
    expect(failure).toBe('ended after 2 s');
  });
});

describe('the verdict', () => {
  const products = { tensorflow: '2.21.0', device: 'X', kernels: 'X', gflops: 1 } as const;

  it.each([
    ['fp32', 3e-7, /none/],
    ['fp32', 3e-4, /rounds them/],
    ['tf32', 3e-4, /none/],
    ['tf32', 3e-7, /no TF32/],
    ['bf16', 3e-3, /none/],
    ['bf16', Number.NaN, /NaN/],
  ] as const)('of products in %s that are off by %d', (precision, relativeError, complaint) => {
    const report = { ...products, precision, relativeError };
    const verdict = judge(partOf(`products-${precision}`), report, 0);
    expect(verdict.complaint ?? 'none').toMatch(complaint);
  });

  it('of bits that differ is a failure that the table shows', () => {
    const report = { model: 'mini', precision: 'fp32', numSteps: 3, areEqual: false };
    const part = partOf('bits-mini-fp32');
    const { complaint, figures } = judge(part, { ...report, digests: ['aa', 'aa', 'bb'] }, 0);
    expect(complaint).toBe('2 results of 3 processes');
    const outcomes = [
      { part: part.name, status: 'failed', reason: complaint!, figures },
      { part: 'step-large-512-fp32-eager', status: 'skipped', reason: 'takes long' },
    ] as const;
    const table = describeRun(machine, [part], outcomes);
    expect(table).toMatch(/DIFFER: aa, aa, bb/);
    expect(table).toMatch(/failed {3}bits-mini-fp32: 2 results/);
    expect(table).toMatch(/skipped {2}step-large-512-fp32-eager: takes long/);
    expect(table).toMatch(/0 done, 1 failed, 1 skipped/);
  });
});
