import { sumContributions, vectorDigest } from '@berth/collectives';
import {
  genesisHead,
  numStateSlices,
  stateDigest,
  stepFactsText,
  type AlignedBlock,
  type StateVectors,
  type StepFacts,
  type TrainingState,
} from '@berth/contracts';
import {
  nextHead,
  reasonToGoBack,
  areEqual,
  oddOf,
  stateDiverged,
  votesDiverged,
} from '@berth/protocol';

/** What a run needs of an engine, real or made up. */
export interface FlipEngine {
  loadState(state: TrainingState): void;
  readState(): TrainingState;
  stateDigest(slice?: number): string;
  gradientOf(step: number, block: AlignedBlock): Float32Array;
  /** @returns the norm of the gradient */
  apply(reduced: Float32Array): void;
}

export interface Flip {
  /** Before the votes of this step, after its gradient if `isLate`. */
  readonly step: number;
  readonly isLate: boolean;
  readonly member: number;
  readonly kind: keyof StateVectors;
  readonly element: number;
  readonly bit: number;
}

export interface FlipOutcome {
  readonly head: string;
  readonly digest: string;
  /** Steps committed from the flip to its discovery; undefined when nobody noticed. */
  readonly foundAfter: number | undefined;
  /** Checkpoints that are not those of the calm run. */
  readonly numWrongSaves: number;
  readonly saves: ReadonlyMap<number, string>;
}

export const numMembers = 3;
const blocks: readonly AlignedBlock[] = [
  { start: 0, length: 2 },
  { start: 2, length: 1 },
  { start: 3, length: 1 },
];

/**
 * Trains with three members in lockstep, as the protocol has them do it: votes compare a slice, saves all of it, and what follows
 * is decided by its own functions.
 */
export class FlipRun {
  readonly #engines: readonly FlipEngine[];
  readonly #numSteps: number;
  readonly #saveEvery: number;
  readonly #flip: Flip | undefined;
  #heads: string[] = [];
  readonly #saves = new Map<number, TrainingState>();
  #agreedStep = 0;
  #isFlipped = false;
  #foundAfter: number | undefined;

  constructor(
    engines: readonly FlipEngine[],
    {
      start,
      numSteps,
      saveEvery,
      flip,
    }: { start: TrainingState; numSteps: number; saveEvery: number; flip?: Flip },
  ) {
    this.#engines = engines;
    this.#numSteps = numSteps;
    this.#saveEvery = saveEvery;
    this.#flip = flip;
    this.#saves.set(0, start);
    this.#restore(0);
  }

  run(calmSaves?: ReadonlyMap<number, string>): FlipOutcome {
    while (this.#heads.length < this.#numSteps) this.#takeStep(this.#heads.length);
    const saves = new Map([...this.#saves].map(([step, state]) => [step, stateDigest(state)]));
    const numWrongSaves = [...saves].filter(
      ([step, digest]) => calmSaves !== undefined && calmSaves.get(step) !== digest,
    ).length;
    const digests = this.#wholeDigests();
    return {
      head: this.#heads.at(-1) ?? genesisHead,
      digest: areEqual(digests) ? [...digests.values()][0]! : 'members differ',
      foundAfter: this.#foundAfter,
      numWrongSaves,
      saves,
    };
  }

  #takeStep(step: number): void {
    this.#flipBit(step, false);
    const contributions = blocks.map((block, member) => ({
      block,
      data: this.#engines[member]!.gradientOf(step, block),
    }));
    this.#flipBit(step, true);
    const reduced = sumContributions(contributions);
    if (!reduced.every(Number.isFinite)) {
      // The first time it costs an attempt, and states are compared before the next.
      this.#compareAll(step, 'the state');
      return;
    }
    const facts: StepFacts = {
      step,
      from: { epoch: 0, index: step },
      to: { epoch: 0, index: step + 1 },
      numExamples: 1,
      gradientDigest: vectorDigest(reduced),
    };
    const votes = this.#engines.map((engine, member) => ({
      memberId: nameOf(member),
      facts: stepFactsText(facts),
      stateDigest: engine.stateDigest(step % numStateSlices),
    }));
    if (!areEqual(new Map(votes.map((vote) => [vote.memberId, vote.stateDigest])))) {
      this.#diverged(votesDiverged(step, votes));
      return;
    }
    this.#heads.push(nextHead(this.#heads.at(-1) ?? genesisHead, facts));
    for (const engine of this.#engines) engine.apply(reduced);
    const numDone = step + 1;
    if (numDone % this.#saveEvery !== 0 && numDone !== this.#numSteps) return;
    if (this.#compareAll(numDone, 'the state to save'))
      this.#saves.set(numDone, copyOf(this.#engines[0]!.readState()));
  }

  #flipBit(step: number, isLate: boolean): void {
    const flip = this.#flip;
    if (flip === undefined || this.#isFlipped || flip.step !== step || flip.isLate !== isLate)
      return;
    this.#isFlipped = true;
    const engine = this.#engines[flip.member]!;
    const state = engine.readState();
    const vector = state[flip.kind];
    new Uint32Array(vector.buffer, vector.byteOffset)[flip.element]! ^= (1 << flip.bit) >>> 0;
    engine.loadState(state);
  }

  /** @returns whether all hold the same */
  #compareAll(step: number, what: string): boolean {
    const digests = this.#wholeDigests();
    if (!areEqual(digests)) this.#diverged(stateDiverged(step, what, digests));
    return areEqual(digests);
  }

  #diverged(found: ReturnType<typeof stateDiverged>): void {
    this.#foundAfter = this.#heads.length - (this.#flip?.step ?? 0);
    const error = { ...found, details: { agreedStep: this.#agreedStep, ...found.details } };
    if (reasonToGoBack(error, this.#heads.length) !== undefined) {
      const step = Math.max(...this.#saves.keys());
      this.#heads = this.#heads.slice(0, step);
      this.#restore(step);
      return;
    }
    const odd = oddOf(error);
    const donor = this.#engines.find((_, member) => !odd.includes(nameOf(member)))!;
    for (const member of odd) this.#engines[numberOf(member)]!.loadState(copyOf(donor.readState()));
  }

  #restore(step: number): void {
    this.#agreedStep = step;
    for (const engine of this.#engines) engine.loadState(copyOf(this.#saves.get(step)!));
  }

  #wholeDigests(): Map<string, string> {
    return new Map(this.#engines.map((engine, member) => [nameOf(member), engine.stateDigest()]));
  }
}

function nameOf(member: number): string {
  return `m${member}`;
}

function numberOf(name: string): number {
  return Number(name.slice(1));
}

function copyOf({ step, weights, firstMoments, secondMoments }: TrainingState): TrainingState {
  return {
    step,
    weights: weights.slice(),
    firstMoments: firstMoments.slice(),
    secondMoments: secondMoments.slice(),
  };
}
