import type { Complaint, ErrorCode, MemberInfo, View } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { liveMember as member } from '../testing/live-member.ts';
import { runRules, runSnapshot, viewOf } from '../testing/run-snapshot.ts';
import { decideRun } from './run.ts';
import { newRunMemory, type RunDecision, type RunRules } from './run-state.ts';

const rules: RunRules = {
  ...runRules,
  numSteps: 1_000,
  wantedWorkers: 3,
  virtualRanks: 8,
  complaintGraceMs: 1_200,
};

/** A run as its coordinator sees it, look after look; what it publishes comes into force. */
class Run {
  nowMs = 0;
  numCommitted = 10;
  view: View | undefined;
  readonly #rules: RunRules;
  #memory = newRunMemory(0);

  constructor(change: Partial<RunRules> = {}) {
    this.#rules = { ...rules, ...change };
  }

  look(afterMs: number, ...live: readonly MemberInfo[]): RunDecision {
    this.nowMs += afterMs;
    const { view, numCommitted } = this;
    const snapshot = runSnapshot({ numCommitted, view, live });
    const decision = decideRun(this.nowMs, this.#memory, snapshot, this.#rules);
    this.#memory = decision.memory;
    if (decision.kind === 'publish')
      this.view = viewOf(
        decision.members.map(({ memberId }) => memberId),
        {
          version: (view?.version ?? 0) + 1,
          fromStep: numCommitted,
          mode: decision.mode,
          reason: decision.reason,
        },
      );
    return decision;
  }

  get seated(): string[] {
    return (this.view?.members ?? []).map(({ memberId }) => memberId);
  }

  complains(who: MemberInfo, code: ErrorCode, suspects: string[] = []): MemberInfo {
    const error = { code, message: `${code} it is`, details: {} };
    const viewVersion = this.view?.version ?? 0;
    const complaint: Complaint = { viewVersion, step: 10, suspects, error };
    return { ...who, state: 'idle', complaint };
  }
}

const [a, b, c] = ['worker-1-aaaaaa', 'worker-2-bbbbbb', 'worker-3-cccccc'].map((id) =>
  member(id),
) as [MemberInfo, MemberInfo, MemberInfo];

describe('an error that no other try cures', () => {
  it.each([
    'INTERNAL',
    'STORE_NOT_FOUND',
    'STORE_REFUSED',
    'CHECKPOINT_CORRUPT',
    'DATA_SHARD_CORRUPT',
    'RUNTIME_UNAVAILABLE',
  ] as const)('of one member leaves that member out for a while: %s', (code) => {
    const run = new Run();
    run.look(0, a, b, c);
    const failed = run.complains(c, code);
    // The others see only that it left them.
    const left = [a, b].map((other) => run.complains(other, 'COLLECTIVE_PEER_LOST'));
    expect(run.look(10, a, b, failed).kind).toBe('keep');
    expect(run.look(30, ...left, failed)).toMatchObject({
      kind: 'publish',
      reason: `without ${c.memberId}: ${code} it is (at step 10)`,
    });
    expect(run.seated).toEqual([a.memberId, b.memberId]);
    expect(run.look(100, a, b, c).reason).toContain(`${c.memberId} is left out for 1 s`);
    run.numCommitted++;
    run.look(1_000, a, b, { ...c, state: 'idle' });
    run.numCommitted++;
    run.look(1_000, a, b, { ...c, state: 'idle' });
    expect(run.seated).toContain(c.memberId);
  });

  it('of most members ends the run, naming them', () => {
    const run = new Run();
    run.look(0, a, b, c);
    const failed = [b, c].map((one) => run.complains(one, 'INTERNAL'));
    expect(run.look(10, a, ...failed)).toMatchObject({
      kind: 'fail',
      error: { code: 'INTERNAL', message: `2 of 3 workers; ${b.memberId}: INTERNAL it is` },
    });
  });

  it('of the last one left ends the run', () => {
    const run = new Run();
    run.look(0, a, b);
    run.look(20_000, a, b);
    run.look(2_000, a, run.complains(b, 'INTERNAL'));
    run.look(2_000, a, run.complains(b, 'INTERNAL'));
    expect(run.seated).toEqual([a.memberId]);
    expect(run.look(10, run.complains(a, 'INTERNAL'))).toMatchObject({
      kind: 'fail',
      error: { code: 'INTERNAL', message: `${a.memberId}: INTERNAL it is` },
    });
  });

  it.each(['LEDGER_DIVERGED', 'NUMERICS_NOT_FINITE', 'CONFIG_INVALID', 'DATA_MISMATCH'] as const)(
    'that concerns the run itself ends it, whoever says so: %s',
    (code) => {
      const run = new Run();
      run.look(0, a, b, c);
      expect(run.look(10, a, b, run.complains(c, code))).toMatchObject({
        kind: 'fail',
        error: { code },
      });
    },
  );

  it('of one that cannot open the run does not end it while others may', () => {
    const opening = { state: 'syncing', step: -1 } as const;
    const failed = run().complains({ ...c, ...opening }, 'INTERNAL');
    const refused = { ...failed, ...opening };
    expect(run().look(10, refused).kind).toBe('wait');
    expect(run().look(30_000, { ...a, ...opening }, { ...b, ...opening }, refused).kind).toBe(
      'wait',
    );
    expect(run().look(30_000, refused)).toMatchObject({
      kind: 'fail',
      error: { message: `${c.memberId}: INTERNAL it is` },
    });
    function run(): Run {
      return new Run();
    }
  });
});

describe('a worker that dies again and again', () => {
  /** Two members of steady life with steps of a minute, and one that dies 10 s after it was seated. */
  function crashLoop(run: Run, pollMs: number, hours: number): { fail: RunDecision | undefined } {
    let numStarts = 0;
    let seatedMs: number | undefined;
    let backMs = 0;
    let stepSinceMs = 0;
    for (const endMs = hours * 3_600_000; run.nowMs < endMs;) {
      const isUp = run.nowMs >= backMs;
      const id = `worker-3-${(numStarts + 0x100000).toString(16)}`;
      const isSeated = run.seated.includes(id);
      const crashing = member(id, { state: isSeated ? 'training' : 'idle', step: -1 });
      const version = run.view?.version;
      const decision = run.look(pollMs, a, b, ...(isUp ? [crashing] : []));
      if (decision.kind === 'fail') return { fail: decision };
      if (run.view?.version !== version) stepSinceMs = run.nowMs;
      if (run.seated.includes(id)) seatedMs ??= run.nowMs;
      if (seatedMs !== undefined && run.nowMs >= seatedMs + 10_000) {
        numStarts++;
        seatedMs = undefined;
        backMs = run.nowMs + 10_000;
      }
      if (run.nowMs - stepSinceMs >= 60_000) {
        run.numCommitted++;
        stepSinceMs = run.nowMs;
      }
    }
    return { fail: undefined };
  }

  it('costs the others little of their time, and never ends the run', () => {
    const run = new Run();
    expect(crashLoop(run, 1_000, 2).fail).toBeUndefined();
    const undisturbed = 2 * 60;
    expect(run.numCommitted - 10).toBeGreaterThan(0.9 * undisturbed);
  });

  it('is waited for no longer than need be when nobody else can train', () => {
    const run = new Run();
    for (let death = 0; death < 20; death++) {
      const only = member(`worker-1-${(death + 0x100000).toString(16)}`, { step: -1 });
      for (let look = 0; look < 60 && !run.seated.includes(only.memberId); look++)
        run.look(500, { ...only, state: 'idle' });
      expect(run.seated).toEqual([only.memberId]);
      run.numCommitted++;
      run.look(500, only);
      run.look(500);
    }
    expect(run.view?.reason).toBe('lost worker-1-100012');
  });
});

describe('attempts', () => {
  it('are counted of the same workers, whichever processes they have', () => {
    const run = new Run({ patientAttempts: 1_000, stepTimeoutMs: 0 });
    let decision: RunDecision | undefined;
    for (let restart = 0; decision?.kind !== 'fail' && restart < 100; restart++) {
      // Two of them alone fail in between, which is another matter.
      const third = member(`worker-3-${(restart + 0x100000).toString(16)}`);
      run.look(2_000_000, a, b, third);
      for (const _ of [1, 2])
        decision = run.look(2_000, run.complains(a, 'COLLECTIVE_TIMEOUT'), b, third);
      run.look(10, a, b);
    }
    expect(decision?.reason).toMatch(
      /^Step 10 failed 3. times with worker-1, worker-2, worker-3; last: COLLECTIVE_TIMEOUT/,
    );
  });
});

describe('a newcomer', () => {
  const idle = { ...c, state: 'idle', step: -1 } as const;

  it('lets the first step of a new view begin', () => {
    const run = new Run({ wantedWorkers: 2 });
    const [starting, other] = [a, b].map((one) => ({ ...one, state: 'idle' as const }));
    run.look(0, starting!, other!);
    run.look(100, starting!, other!, idle);
    expect(run.seated).toHaveLength(2);
  });

  it('is taken in once the step under way is committed', () => {
    const run = new Run({ wantedWorkers: 2 });
    run.look(0, a, b);
    expect(run.look(500, a, b, idle)).toMatchObject({
      kind: 'keep',
      reason: `${c.memberId} joins after this step`,
    });
    run.look(400_000, a, b, idle);
    expect(run.seated).toHaveLength(2);
    run.numCommitted++;
    expect(run.look(500, a, b, idle)).toMatchObject({ kind: 'publish' });
    expect(run.seated).toHaveLength(3);
  });

  it.each([
    ['no step is under way', [{ ...b, state: 'idle' }, idle], 1_500],
    ['somebody is lost', [idle], 1_500],
    ['the step has had all its time', [b, idle], 600_000],
  ] as const)('is taken in at once when %s', (_, others, afterMs) => {
    const run = new Run({ wantedWorkers: 2 });
    run.look(0, a, b);
    run.look(500, a, b, ...(afterMs > 1_500 ? [idle] : []));
    run.look(afterMs, a, ...others);
    expect(run.seated).toContain(c.memberId);
  });
});

it('a complaint that accuses only strangers is of an older view of that number', () => {
  const run = new Run({ wantedWorkers: 2 });
  run.look(0, a, b);
  const stale = run.complains(a, 'COLLECTIVE_PEER_LOST', ['worker-9-999999']);
  expect(run.look(5_000, { ...stale, state: 'training' }, b).reason).toBe('2 workers');
});

it('one that let a step time out is not given it again while its engine is stuck, nor patience later', () => {
  const run = new Run({ wantedWorkers: 2 });
  run.look(0, a, b, c);
  for (let attempt = 0; attempt < 3; attempt++) {
    expect(run.seated).toHaveLength(3);
    run.look(600_000, a, b, c);
    const complaining = run.complains(a, 'COLLECTIVE_TIMEOUT', [c.memberId]);
    for (const _ of [1, 2]) run.look(1_300, complaining, b, c);
  }
  expect(run.seated).toEqual([a.memberId, b.memberId]);
  const stuck = (): MemberInfo => ({ ...c, state: 'idle', engineCallMs: run.nowMs + 5_000 });
  for (let step = 0; step < 50; step++) {
    run.numCommitted++;
    expect(run.look(60_000, a, b, stuck()).reason).toContain('until its engine answers');
  }
  run.numCommitted++;
  run.look(500, a, b, c);
  run.numCommitted++;
  run.look(500, a, b, c);
  expect(run.seated).toHaveLength(3);
  const again = run.complains(a, 'COLLECTIVE_TIMEOUT', [c.memberId]);
  for (const _ of [1, 2]) run.look(1_300, again, b, c);
  expect(run.seated).toEqual([a.memberId, b.memberId]);
});

it('one whose engine is stuck since the others wait for it is left out the first time', () => {
  for (const [engineCallMs, numSeated] of [
    [29_000, 3],
    [59_000, 2],
  ] as const) {
    const run = new Run({ wantedWorkers: 3 });
    run.look(0, a, b, c);
    run.look(60_000, a, b, c);
    const complaining = run.complains(a, 'COLLECTIVE_TIMEOUT', [c.memberId]);
    for (const _ of [1, 2]) run.look(1_300, complaining, b, { ...c, engineCallMs });
    expect(run.seated).toHaveLength(numSeated);
  }
});
