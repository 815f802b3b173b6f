import type { Complaint } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import {
  idleMember as member,
  membershipOptions as options,
  membershipState as state,
  viewFrom10 as view,
} from '../testing/membership.ts';
import type { MembershipState } from './membership-state.ts';
import { decideMembership } from './membership.ts';

describe('a broken connection', () => {
  const lost = (suspect: string): Complaint => ({
    viewVersion: 3,
    step: 10,
    suspects: [suspect],
    error: {
      code: 'COLLECTIVE_PEER_LOST',
      message: `lost member ${suspect}: the connection was closed`,
      details: {},
    },
  });
  const decide = (
    nowMs: number,
    complaints: Readonly<Record<string, Complaint | null>>,
    change: Partial<MembershipState> = {},
  ) => {
    const ids = Object.keys(complaints);
    const live = ids.map((id) => member(id, { complaint: complaints[id] ?? null }));
    const current = { live, view: view(...ids), complaintSinceMs: 0 };
    return decideMembership(nowMs, state({ ...current, ...change }), options);
  };

  it('leaves out those who are silent about it, whatever their heartbeat says', () => {
    const complaints = { a: lost('c'), b: lost('d'), c: null, d: null };
    expect(decide(29, complaints).kind).toBe('keep');
    const decision = decide(30, complaints);
    expect(decision).toMatchObject({ kind: 'publish', toQuarantine: ['d', 'c'] });
    expect(decision.reason).toBe('without d, c: the connection was closed (seen by a at step 10)');
    const members = decision.kind === 'publish' ? decision.members : [];
    expect(members.map(({ memberId }) => memberId)).toEqual(['a', 'b']);
  });

  it('names the lost one once, however the others came to know of it', () => {
    const toldOf = (message: string): Complaint => {
      const complaint = lost('c');
      return { ...complaint, error: { ...complaint.error, message } };
    };
    const hearsay = toldOf('lost member b: left the view: lost member c: read ECONNRESET');
    const others = { b: toldOf('lost member c: it was silent'), c: null, d: null };
    expect(decide(30, { a: hearsay, ...others }).reason).toBe(
      'without c: it was silent (seen by b at step 10)',
    );
    expect(decide(30, { a: hearsay, b: null, c: null, d: null }).reason).toBe(
      'without c: read ECONNRESET (seen by a at step 10)',
    );
  });

  it('between two that live makes all try again at once', () => {
    const decision = decide(30, { a: lost('b'), b: lost('a'), c: null });
    expect(decision).toMatchObject({
      kind: 'publish',
      reason: expect.stringMatching(/^trying again/),
    });
    expect(decision).not.toHaveProperty('toQuarantine');
  });

  it('that comes again and again leaves out the one most accused, and never the first for another', () => {
    const complaints = { a: lost('c'), b: lost('c'), c: lost('a') };
    expect(decide(30, complaints, { numAttempts: 3 })).toMatchObject({ toQuarantine: ['c'] });
    const mutual = { a: lost('b'), b: lost('a') };
    expect(decide(30, mutual, { numAttempts: 3 })).toMatchObject({ toQuarantine: ['b'] });
  });

  it('leaves a newcomer out rather than one that holds the weights, at once if secrets differ', () => {
    const stranger = (suspect: string): Complaint => ({
      ...lost(suspect),
      error: { code: 'COLLECTIVE_UNAUTHENTICATED', message: 'the secrets differ', details: {} },
    });
    const live = [
      member('a', { complaint: stranger('b'), step: -1 }),
      member('b', { complaint: stranger('a'), step: 10 }),
    ];
    const current = state({ live, view: view('a', 'b'), complaintSinceMs: 0 });
    expect(decideMembership(999, current, options).kind).toBe('keep');
    expect(decideMembership(1_000, current, options)).toMatchObject({
      toQuarantine: ['a'],
      reason: 'without a: the secrets differ (at step 10)',
    });
  });

  it('waits for heartbeats when too few would be left', () => {
    const live = [member('a', { complaint: lost('b') }), member('b')];
    const current = state({ live, view: view('a', 'b'), complaintSinceMs: 0 });
    const two = { ...options, minWorkers: 2 };
    expect(decideMembership(30, current, two).kind).toBe('keep');
    expect(decideMembership(1_000, current, two).reason).toMatch(/^trying again/);
  });

  it('leaves out the quarantined', () => {
    const quarantined = new Set(['b']);
    const current = state({ live: [member('a'), member('b')], view: view('a'), quarantined });
    expect(decideMembership(0, current, options).kind).toBe('keep');
  });
});
