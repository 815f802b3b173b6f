import {
  type LedgerEntry,
  type StepFacts,
  type StepSums,
  type StoredLedger,
  genesisHead,
} from '@berth/contracts';
import { nextHead } from '../ledger/ledger-chain.ts';

export const globalBatch = 8;
export const epochSize = 20;

export const sums: StepSums = {
  maskedLmLoss: 12.345678806304932,
  maskedLmCorrect: 3,
  maskedWeight: 24,
  nextSentenceLoss: 5.5,
  nextSentenceCorrect: 4,
  numExamples: globalBatch,
  numTokens: 512,
};

/** The facts of a step in a stream of epochs of 20 examples, 8 a step. */
export function factsOf(step: number, gradientDigest = digestOfStep(step)): StepFacts {
  return {
    step,
    from: cursorOf(step * globalBatch),
    to: cursorOf((step + 1) * globalBatch),
    numExamples: globalBatch,
    gradientDigest,
  };
}

/** A correct ledger, as coordinators of growing epochs would have left it. */
export function ledgerOf(numSteps: number): LedgerEntry[] {
  let head: string = genesisHead;
  return Array.from({ length: numSteps }, (_, step) => {
    const facts = factsOf(step);
    head = nextHead(head, facts);
    return {
      ...facts,
      sums,
      fencingEpoch: 1 + Math.floor(step / 5),
      viewVersion: 1 + Math.floor(step / 3),
      members: ['a', 'b'],
      committedAtMs: 1_700_000_000_000 + step,
      head,
    };
  });
}

/** Entries as if they came from a store, a few hundred at a time. */
export function storedOf(entries: readonly LedgerEntry[]): StoredLedger {
  return {
    numSteps: entries.length,
    head: entries.at(-1)?.head ?? genesisHead,
    async *entries(fromStep) {
      for (let start = fromStep; start < entries.length; start += 200)
        yield entries.slice(start, start + 200);
    },
  };
}

function cursorOf(position: number): StepFacts['from'] {
  return { epoch: Math.floor(position / epochSize), index: position % epochSize };
}

function digestOfStep(step: number): string {
  return (step + 1).toString(16).padStart(16, '0');
}
