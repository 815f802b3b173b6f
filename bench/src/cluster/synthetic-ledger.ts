import { createHash } from 'node:crypto';
import { stepsPerSegment, uploadLedgerSegment, type Line } from '@berth/checkpoint';
import {
  genesisHead,
  tasks,
  type LedgerEntry,
  type LedgerSegment,
  type ObjectStore,
} from '@berth/contracts';
import { nextHead } from '@berth/protocol';

export interface SyntheticLedger {
  readonly runId: string;
  readonly numSteps: number;
  readonly globalBatch: number;
  readonly memberIds: readonly string[];
  readonly startedAtMs: number;
}

/** Stores a ledger in segments as savers would have, one in memory at a time. */
export async function storeLedger(
  store: ObjectStore,
  ledger: SyntheticLedger,
): Promise<{ segments: LedgerSegment[]; head: string }> {
  const { runId, numSteps } = ledger;
  const segments: LedgerSegment[] = [];
  let head: string = genesisHead;
  for (let start = 0; start < numSteps; start += stepsPerSegment) {
    const entries: LedgerEntry[] = [];
    for (let step = start; step < Math.min(numSteps, start + stepsPerSegment); step++) {
      const entry = entryOf(ledger, step, head);
      head = entry.head;
      entries.push(entry);
    }
    segments.push(await uploadLedgerSegment(store, lineOf(runId), numSteps, entries));
  }
  return { segments, head };
}

/** Whose objects of a made-up run are. */
export function lineOf(runId: string): Line {
  return { runId, attempt: 1, fencingEpoch: 1 };
}

function entryOf(
  { globalBatch, memberIds, startedAtMs }: SyntheticLedger,
  step: number,
  head: string,
): LedgerEntry {
  const facts = {
    step,
    from: { epoch: 0, index: globalBatch * step },
    to: { epoch: 0, index: globalBatch * (step + 1) },
    numExamples: globalBatch,
    gradientDigest: createHash('sha256').update(String(step)).digest('hex').slice(0, 16),
  };
  const sums = tasks.pretraining.sums.map((name, index) => [
    name,
    Math.fround(1 + Math.sin(step + index)),
  ]);
  return {
    ...facts,
    fencingEpoch: 1,
    viewVersion: 1,
    members: [...memberIds],
    sums: Object.fromEntries(sums),
    committedAtMs: startedAtMs + 100 * step,
    head: nextHead(head, facts),
  };
}
