import { createHash } from 'node:crypto';
import {
  genesisHead,
  stepFactsText,
  type Cursor,
  type LedgerEntry,
  type StepFacts,
} from '@berth/contracts';

export interface VerifyLedgerOptions {
  /** Examples of every step. */
  readonly globalBatch: number;
  /** Examples of an epoch, where known; without it, an epoch's end is taken from the step that crosses it. */
  readonly epochSize?: (epoch: number) => number | undefined;
  /** Head that the last entry must have, as a checkpoint states it. */
  readonly expectHead?: string;
}

export interface LedgerReport {
  readonly ok: boolean;
  readonly numSteps: number;
  readonly numExamples: number;
  /** One sentence each, in step order. */
  readonly problems: readonly string[];
}

/**
 * Proves that a whole ledger uses every example of the stream exactly once, in order, each step committed once.
 * Covers what the chain covers (step, ranges, gradient digest) and the order of epochs and views; sums, member names
 * and times are remarks.
 */
export function verifyLedger(
  entries: readonly LedgerEntry[],
  { globalBatch, epochSize = () => undefined, expectHead }: VerifyLedgerOptions,
): LedgerReport {
  const problems = checkChain(entries);
  let at: Cursor = { epoch: 0, index: 0 };
  let before: Pick<LedgerEntry, 'fencingEpoch' | 'viewVersion'> = {
    fencingEpoch: 0,
    viewVersion: 0,
  };
  for (const entry of entries) {
    const { step, from, to, numExamples } = entry;
    if (!sameCursor(from, at))
      problems.push(`step ${step} starts at ${cursorText(from)}, but ${cursorText(at)} is next`);
    const size = rangeSize(from, to, epochSize) ?? numExamples;
    if (size !== numExamples)
      problems.push(
        `step ${step} claims ${numExamples} examples, but ${cursorText(from)} to ${cursorText(to)} are ${size}`,
      );
    if (numExamples !== globalBatch)
      problems.push(`step ${step} has ${numExamples} examples instead of ${globalBatch}`);
    if (isOlder(entry, before))
      problems.push(
        `step ${step} was committed in epoch ${entry.fencingEpoch}, view ${entry.viewVersion}, after ` +
          `epoch ${before.fencingEpoch}, view ${before.viewVersion}`,
      );
    at = to;
    before = entry;
  }
  const head = entries.at(-1)?.head ?? genesisHead;
  if (expectHead !== undefined && head !== expectHead)
    problems.push(`the last head is ${head}, but ${expectHead} is expected`);
  return {
    ok: problems.length === 0,
    numSteps: entries.length,
    numExamples: entries.reduce((sum, { numExamples }) => sum + numExamples, 0),
    problems,
  };
}

/** The head after a step: SHA-1 over the head before it and the step's facts. */
export function nextHead(head: string, facts: StepFacts): string {
  return createHash('sha1')
    .update(`${head}\n${stepFactsText(facts)}`)
    .digest('hex');
}

/** What breaks the chain of a ledger that should start at step 0. */
export function checkChain(entries: readonly LedgerEntry[]): string[] {
  const problems: string[] = [];
  let step = 0;
  let head: string = genesisHead;
  for (const entry of entries) {
    if (entry.step !== step)
      problems.push(`step ${step} is missing: step ${entry.step} stands in its place`);
    if (entry.head !== nextHead(head, entry))
      problems.push(`step ${entry.step} does not follow from the head before it`);
    step = entry.step + 1;
    head = entry.head;
  }
  return problems;
}

/** Examples in [from, to); undefined when that depends on an epoch size nobody knows. */
function rangeSize(
  from: Cursor,
  to: Cursor,
  epochSize: (epoch: number) => number | undefined,
): number | undefined {
  let size = to.index - from.index;
  for (let epoch = from.epoch; epoch < to.epoch; epoch++) {
    const whole = epochSize(epoch);
    if (whole === undefined) return undefined;
    size += whole;
  }
  const last = epochSize(to.epoch);
  const outside = to.epoch < from.epoch || (last !== undefined && to.index > last);
  return outside ? Number.NaN : size;
}

function isOlder(
  entry: Pick<LedgerEntry, 'fencingEpoch' | 'viewVersion'>,
  before: Pick<LedgerEntry, 'fencingEpoch' | 'viewVersion'>,
): boolean {
  return entry.fencingEpoch === before.fencingEpoch
    ? entry.viewVersion < before.viewVersion
    : entry.fencingEpoch < before.fencingEpoch;
}

function sameCursor(a: Cursor, b: Cursor): boolean {
  return a.epoch === b.epoch && a.index === b.index;
}

function cursorText({ epoch, index }: Cursor): string {
  return `example ${index} of epoch ${epoch}`;
}
