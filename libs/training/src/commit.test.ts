import { BerthError, type StepFacts, type StepSums, type View } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { commitStep } from './commit.ts';
import type { LedgerPort, Verdict } from './ports.ts';

const view: View = {
  runId: 'r',
  fencingEpoch: 1,
  version: 1,
  fromStep: 0,
  members: [],
  mode: 'train',
  reason: '',
};
const facts: StepFacts = {
  step: 4,
  from: { epoch: 0, index: 0 },
  to: { epoch: 0, index: 8 },
  numExamples: 8,
  gradientDigest: '0123456789abcdef',
};
const sums = {} as StepSums;
const outage = new BerthError('QUEUE_UNREACHABLE', 'Redis is away');

/** A ledger that answers votes with these, in order, the last one again and again. */
function ledgerThatSays(...answers: (Verdict | Error)[]): LedgerPort {
  return {
    async vote() {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no answer');
      return answer;
    },
    numCommitted: async () => 0,
    entry: async () => undefined,
    entries: async () => [],
  };
}

const commit = (ledger: LedgerPort, timeoutMs: number): ReturnType<typeof commitStep> =>
  commitStep(ledger, view, 'a', facts, sums, { timeoutMs });

describe('commitStep', () => {
  it('goes on voting when Redis comes back', async () => {
    const ledger = ledgerThatSays(
      outage,
      outage,
      { kind: 'waiting' },
      { kind: 'committed', head: 'h' },
    );
    expect(await commit(ledger, 60_000)).toEqual({ head: 'h', replayed: false });
  });

  it('gives up when Redis stays away', async () => {
    await expect(commit(ledgerThatSays(outage), 20)).rejects.toBe(outage);
  });

  it.each([
    [{ kind: 'stale' }, 'WORKER_FENCED', true],
    [{ kind: 'ahead', reason: 'only 3 steps are committed' }, 'LEDGER_BEHIND', true],
    [{ kind: 'diverged', reason: 'other facts stand' }, 'LEDGER_DIVERGED', false],
  ] as const)('fails on %o with %s', async (verdict, code, canTryAgain) => {
    const error = await commit(ledgerThatSays(verdict), 60_000).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, policy: { retry: canTryAgain } });
  });
});
