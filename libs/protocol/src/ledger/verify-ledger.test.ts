import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LedgerEntry, genesisHead } from '@berth/contracts';
import { epochSize, globalBatch, ledgerOf } from '../testing/steps.ts';
import { verifyLedger } from '../testing/verify-ledger.ts';
import { nextHead } from './ledger-chain.ts';

const phases = [{ firstStep: 0, startsEpoch: false, globalBatch }];
const options = { phases, epochSize: (): number => epochSize };

/** Recomputes the chain, as a forger would. */
function rechain(entries: readonly LedgerEntry[]): LedgerEntry[] {
  let head: string = genesisHead;
  return entries.map((entry) => ({ ...entry, head: (head = nextHead(head, entry)) }));
}

const numSteps = fc.integer({ min: 2, max: 40 });

describe('verifyLedger', () => {
  it('accepts any correct ledger, with and without known epoch sizes', () => {
    fc.assert(
      fc.property(fc.nat(40), (steps) => {
        const entries = ledgerOf(steps);
        const expectHead = entries.at(-1)?.head ?? genesisHead;
        for (const given of [options, { phases }]) {
          expect(verifyLedger(entries, { ...given, expectHead })).toEqual({
            ok: true,
            numSteps: steps,
            numExamples: steps * globalBatch,
            problems: [],
          });
        }
      }),
    );
  });

  it('knows where a phase leaves the rest of an epoch, and what its batch is', () => {
    // Three steps of 8 examples in epochs of 20, then two of 16 in epochs of 60.
    const phased = [...phases, { firstStep: 3, startsEpoch: true, globalBatch: 16 }];
    const sizes = { phases: phased, epochSize: (epoch: number): number => (epoch < 2 ? 20 : 60) };
    const [last, ...before] = ledgerOf(3).toReversed();
    const inPhase = (step: number, index: number): LedgerEntry => ({
      ...last!,
      step,
      from: { epoch: 2, index },
      to: { epoch: 2, index: index + 16 },
      numExamples: 16,
    });
    const whole = rechain([...before.toReversed(), last!, inPhase(3, 0), inPhase(4, 16)]);
    expect(verifyLedger(whole, sizes)).toMatchObject({ ok: true, numSteps: 5, numExamples: 56 });
    const skipped = rechain([...whole.slice(0, 3), inPhase(3, 16), inPhase(4, 32)]);
    expect(verifyLedger(skipped, sizes).problems).toEqual([
      'step 3 starts at example 16 of epoch 2, but example 0 of epoch 2 is next',
    ]);
    expect(verifyLedger(whole, options).ok).toBe(false);
  });

  it('detects the removal of any entry', () => {
    fc.assert(
      fc.property(numSteps, fc.nat(), (steps, pick) => {
        const entries = ledgerOf(steps);
        const expectHead = entries.at(-1)?.head ?? '';
        const cut = entries.toSpliced(pick % steps, 1);
        expect(verifyLedger(cut, { ...options, expectHead }).ok).toBe(false);
        // A cut tail leaves a correct, shorter ledger: only the expected head tells.
        const isTail = pick % steps === steps - 1;
        expect(verifyLedger(rechain(cut), options).ok).toBe(isTail);
      }),
    );
  });

  it('detects a doubled entry, also behind a recomputed chain', () => {
    fc.assert(
      fc.property(numSteps, fc.nat(), (steps, pick) => {
        const entries = ledgerOf(steps);
        const index = pick % steps;
        const doubled = entries.toSpliced(index, 0, ...entries.slice(index, index + 1));
        expect(verifyLedger(doubled, options).ok).toBe(false);
        const renumbered = rechain(doubled.map((entry, step) => ({ ...entry, step })));
        expect(verifyLedger(renumbered, options).problems.join()).toMatch(/is next/);
      }),
    );
  });

  it('detects two swapped entries', () => {
    fc.assert(
      fc.property(numSteps, fc.nat(), fc.nat(), (steps, a, b) => {
        fc.pre(a % steps !== b % steps);
        const entries = ledgerOf(steps);
        const order = entries.map((_, index) =>
          index === a % steps ? b % steps : index === b % steps ? a % steps : index,
        );
        const swapped = order.map((index) => entries[index] as LedgerEntry);
        expect(verifyLedger(swapped, options).ok).toBe(false);
        expect(verifyLedger(rechain(swapped), options).ok).toBe(false);
      }),
    );
  });

  it('detects a change of any chained field', () => {
    const changes: ((entry: LedgerEntry) => LedgerEntry)[] = [
      (entry) => ({ ...entry, step: entry.step + 1 }),
      (entry) => ({ ...entry, from: { ...entry.from, index: entry.from.index + 1 } }),
      (entry) => ({ ...entry, from: { ...entry.from, epoch: entry.from.epoch + 1 } }),
      (entry) => ({ ...entry, to: { ...entry.to, index: entry.to.index + 1 } }),
      (entry) => ({ ...entry, to: { ...entry.to, epoch: entry.to.epoch + 1 } }),
      (entry) => ({ ...entry, numExamples: entry.numExamples + 1 }),
      (entry) => ({ ...entry, gradientDigest: 'f'.repeat(16) }),
      (entry) => ({ ...entry, head: 'f'.repeat(40) }),
    ];
    fc.assert(
      fc.property(numSteps, fc.nat(), fc.constantFrom(...changes), (steps, pick, change) => {
        const entries = ledgerOf(steps);
        const index = pick % steps;
        const altered = entries.with(index, change(entries[index] as LedgerEntry));
        expect(verifyLedger(altered, options).ok).toBe(false);
      }),
    );
  });

  it('detects altered ranges behind a recomputed chain', () => {
    const entries = ledgerOf(6);
    const alter = (step: number, change: Partial<LedgerEntry>): readonly string[] =>
      verifyLedger(rechain(entries.with(step, { ...(entries[step] as LedgerEntry), ...change })), {
        ...options,
      }).problems;
    expect(alter(1, { to: { epoch: 0, index: 17 } }).join()).toMatch(/are 9.*is next/);
    expect(alter(1, { numExamples: 7 })).toHaveLength(2);
    // Step 2 is the one that crosses into epoch 1.
    expect(alter(2, { to: { epoch: 1, index: 5 } })[0]).toMatch(/claims 8 examples.* are 9/);
    expect(alter(2, { to: { epoch: 0, index: 24 } })[0]).toMatch(/are NaN/);
  });

  it('detects epochs and views that go back', () => {
    const entries = ledgerOf(8);
    const zombie = entries.with(6, { ...(entries[6] as LedgerEntry), fencingEpoch: 1 });
    expect(verifyLedger(zombie, options).problems).toEqual([
      'step 6 was committed in epoch 1, view 3, after epoch 2, view 2',
    ]);
    const oldView = entries.with(7, { ...(entries[7] as LedgerEntry), viewVersion: 1 });
    expect(verifyLedger(oldView, options).ok).toBe(false);
  });

  it('detects a tail that is missing against the expected head', () => {
    const entries = ledgerOf(5);
    const expectHead = entries[4]?.head ?? '';
    expect(verifyLedger(entries.slice(0, 4), { ...options, expectHead }).ok).toBe(false);
  });
});
