import { cursorOfStep, type Cursor, type LedgerEntry, type Phase } from '@berth/contracts';
import { LedgerChain } from './ledger-chain.ts';

export interface VerifyLedgerOptions {
  /** Of the run, in order. */
  readonly phases: readonly Pick<Phase, 'firstStep' | 'startsEpoch' | 'globalBatch'>[];
  /** Examples of an epoch in a step's phase, where known; without it, an epoch's end is taken from the step that crosses it. */
  readonly epochSize?: (epoch: number, step: number) => number | undefined;
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
 * Proves that a whole ledger, given in order and in any number of parts, uses every example of the stream exactly once, in
 * order, each step committed once. Covers what the chain covers (step, ranges, gradient digest) and the order of epochs and
 * views; sums, member names and times are remarks.
 */
export class LedgerVerifier {
  readonly #options: VerifyLedgerOptions;
  readonly #chain = new LedgerChain();
  readonly #problems: string[] = [];
  #numSteps = 0;
  #numExamples = 0;
  #at: Cursor = { epoch: 0, index: 0 };
  #before: Pick<LedgerEntry, 'fencingEpoch' | 'viewVersion'> = { fencingEpoch: 0, viewVersion: 0 };

  constructor(options: VerifyLedgerOptions) {
    this.#options = options;
  }

  add(entries: readonly LedgerEntry[]): void {
    for (const entry of entries)
      this.#problems.push(...this.#chain.add(entry), ...this.#add(entry));
  }

  report(): LedgerReport {
    const { expectHead } = this.#options;
    const { head } = this.#chain;
    const problems = [...this.#problems];
    if (expectHead !== undefined && head !== expectHead)
      problems.push(`the last head is ${head}, but ${expectHead} is expected`);
    return {
      ok: problems.length === 0,
      numSteps: this.#numSteps,
      numExamples: this.#numExamples,
      problems,
    };
  }

  *#add(entry: LedgerEntry): Generator<string> {
    const { phases, epochSize = () => undefined } = this.#options;
    const { step, from, to, numExamples } = entry;
    const phase = phases.findLast(({ firstStep }) => firstStep <= step)!;
    const { globalBatch } = phase;
    const [at, before] = [cursorOfStep(phase, step, this.#at), this.#before];
    this.#numSteps++;
    this.#numExamples += numExamples;
    this.#at = to;
    this.#before = entry;
    if (!sameCursor(from, at))
      yield `step ${step} starts at ${cursorText(from)}, but ${cursorText(at)} is next`;
    const size = rangeSize(from, to, (epoch) => epochSize(epoch, step)) ?? numExamples;
    if (size !== numExamples)
      yield `step ${step} claims ${numExamples} examples, but ${cursorText(from)} to ${cursorText(to)} are ${size}`;
    if (numExamples !== globalBatch)
      yield `step ${step} has ${numExamples} examples instead of ${globalBatch}`;
    if (isOlder(entry, before))
      yield (
        `step ${step} was committed in epoch ${entry.fencingEpoch}, view ${entry.viewVersion}, after ` +
        `epoch ${before.fencingEpoch}, view ${before.viewVersion}`
      );
  }
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
