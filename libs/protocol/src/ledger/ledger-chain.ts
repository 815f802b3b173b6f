import { createHash } from 'node:crypto';
import { genesisHead, stepFactsText, type LedgerEntry, type StepFacts } from '@berth/contracts';

/** The head after a step: SHA-1 over the head before it and the step's facts. */
export function nextHead(head: string, facts: StepFacts): string {
  return createHash('sha1')
    .update(`${head}\n${stepFactsText(facts)}`)
    .digest('hex');
}

/** Follows the chain of a ledger, entry by entry. */
export class LedgerChain {
  #step: number;
  #head: string;

  /** @param step of the next entry @param head before it */
  constructor(step = 0, head: string = genesisHead) {
    this.#step = step;
    this.#head = head;
  }

  get head(): string {
    return this.#head;
  }

  /** @returns what breaks the chain at this entry */
  add(entry: LedgerEntry): string[] {
    const problems: string[] = [];
    if (entry.step !== this.#step)
      problems.push(`step ${this.#step} is missing: step ${entry.step} stands in its place`);
    if (entry.head !== nextHead(this.#head, entry))
      problems.push(`step ${entry.step} does not follow from the head before it`);
    this.#step = entry.step + 1;
    this.#head = entry.head;
    return problems;
  }
}
