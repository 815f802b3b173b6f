import { expect, it } from 'vitest';
import { storeBranchLedger } from './branch.ts';
import { decodeLedger } from './ledger-segment.ts';
import { ledgerUpTo, startTestStore } from './testing/fixtures.ts';

it('keeps the ledger of a long branch in segments, as it was stored first', async () => {
  const { store } = await startTestStore();
  const entries = ledgerUpTo(9_500);
  const branch = { runId: 'run', attempt: 1, askedAtMs: 3, fromStep: 500 };
  const asked: number[] = [];
  const first = await storeBranchLedger(store, branch, async (from, to) => {
    asked.push(to - from);
    return entries.slice(from, to);
  });
  expect(first.map(({ fromStep, toStep }) => [fromStep, toStep])).toEqual([
    [500, 4_500],
    [4_500, 8_500],
    [8_500, 9_500],
  ]);
  expect(Math.max(...asked)).toBe(4_000);
  // Redis has lost the rest meanwhile.
  const again = await storeBranchLedger(store, branch, async (from, to) =>
    entries.slice(0, 6_000).slice(from, to),
  );
  expect(again).toEqual(first);
  const stored: number[] = [];
  for (const { key } of again)
    for await (const page of decodeLedger(await store.get(key)))
      stored.push(...page.map(({ step }) => step));
  expect(stored).toEqual(entries.slice(500).map(({ step }) => step));
});
