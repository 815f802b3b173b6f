import { numStateSlices, type StateVectors, type TrainingState } from '@berth/contracts';
import { Random } from '@berth/protocol';
import { FlipRun, numMembers, type Flip, type FlipEngine, type FlipOutcome } from './flip-run.ts';

/** What became of so many flips. */
export interface CampaignReport {
  readonly numFlips: number;
  /** Noticed, within so many steps each; sorted. */
  readonly foundAfter: readonly number[];
  /** Noticed by nobody, and all members hold what they hold in the calm run: rounded away without a trace. */
  readonly numRoundedAway: number;
  /**
   * Noticed by nobody, and yet not without a trace: rounded away before their slice had its turn, but after a gradient had been
   * computed with them. All members hold the same, and no comparison of states can tell (ADR 0031).
   */
  readonly numUnseen: number;
  /** Of those that were noticed: runs that did not end with the calm run's state and ledger, and checkpoints that are not its. */
  readonly numWrongEnds: number;
  readonly numWrongSaves: number;
}

export interface CampaignOptions {
  readonly engines: readonly FlipEngine[];
  readonly start: TrainingState;
  readonly numSteps: number;
  readonly saveEvery: number;
  readonly numFlips: number;
  readonly seed: number;
}

const kinds = [
  'weights',
  'firstMoments',
  'secondMoments',
] as const satisfies readonly (keyof StateVectors)[];

/** Flips one random bit of one random member per run, and compares each run with the calm one. */
export function flipCampaign(options: CampaignOptions): CampaignReport {
  const { engines, start, numSteps, saveEvery, numFlips, seed } = options;
  const random = new Random(seed);
  const calm = new FlipRun(engines, { start, numSteps, saveEvery }).run();
  const outcomes = Array.from({ length: numFlips }, () => {
    // Late enough for moments that are not 0, early enough for all slices to have their turn.
    const flip: Flip = {
      step: 1 + (random.next() % Math.max(1, numSteps - numStateSlices - 1)),
      isLate: random.chance(0.5),
      member: random.next() % numMembers,
      kind: random.pick(kinds) ?? 'weights',
      element: random.next() % start.weights.length,
      bit: random.next() % 32,
    };
    return new FlipRun(engines, { start, numSteps, saveEvery, flip }).run(calm.saves);
  });
  const isRight = ({ head, digest }: FlipOutcome): boolean =>
    head === calm.head && digest === calm.digest;
  const noticed = outcomes.filter(({ foundAfter }) => foundAfter !== undefined);
  const unnoticed = outcomes.filter(({ foundAfter }) => foundAfter === undefined);
  const found = noticed.flatMap(({ foundAfter }) => foundAfter ?? []);
  const numRoundedAway = unnoticed.filter(isRight).length;
  return {
    numFlips,
    foundAfter: found.sort((a, b) => a - b),
    numRoundedAway,
    numUnseen: unnoticed.length - numRoundedAway,
    numWrongEnds: noticed.filter((one) => !isRight(one)).length,
    numWrongSaves: noticed.reduce((sum, { numWrongSaves }) => sum + numWrongSaves, 0),
  };
}

export function describeCampaign(report: CampaignReport): string {
  const { numFlips, foundAfter, numRoundedAway, numUnseen, numWrongEnds, numWrongSaves } = report;
  const median = foundAfter[Math.floor(foundAfter.length / 2)] ?? 0;
  const parts = [0, 8, 16, 32, 48, 65].slice(1).map((end, index, ends) => {
    const start = index === 0 ? 0 : ends[index - 1]!;
    const count = foundAfter.filter((steps) => steps >= start && steps < end).length;
    return `${start}-${end - 1}: ${count}`;
  });
  return (
    `${numFlips} flips: ${foundAfter.length} found after ${median} steps in the median, ${foundAfter.at(-1) ?? 0} at most ` +
    `(${parts.join(', ')}); ${numRoundedAway} rounded away without a trace, ${numUnseen} with one; ` +
    `of those found ${numWrongSaves} saved, ${numWrongEnds} ended otherwise`
  );
}
