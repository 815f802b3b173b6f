import { sumContributions, vectorDigest, type Contribution } from '@berth/collectives';
import type { AlignedBlock, Cursor, StepFacts } from '@berth/contracts';
import { mix } from '../random.ts';

export const globalBatch = 8;
const epochSize = 100;
const numValues = 3;

/**
 * Weights that any mistake changes: hashes of all reduced gradients so far, in so many parts, of which each goes its own
 * way, so that a flipped bit stays in its part.
 */
export type Weights = string;
export const numParts = 8;
const partLength = 4;

export const seedWeights: Weights = eachPart((part) => hash(`the seed/${part}`));
/** Of a stored model that a run begins with. */
export const modelWeights: Weights = eachPart((part) => hash(`the model/${part}`));

/** The part of the weights that the vote for a step compares. */
export function stateSlice(weights: Weights, step: number): string {
  const start = (step % numParts) * partLength;
  return weights.slice(start, start + partLength);
}

/** The weights with one bit flipped. */
export function flipped(weights: Weights, place: number): Weights {
  const index = place % weights.length;
  const digit = Number.parseInt(weights.charAt(index), 16) ^ 1;
  return `${weights.slice(0, index)}${digit.toString(16)}${weights.slice(index + 1)}`;
}

/** The gradient of a virtual rank. Its values differ in size, so that the order of additions shows. */
function gradientOf(weights: Weights, from: Cursor, rank: number): Float32Array {
  let state = Number.parseInt(hash(`${weights}/${from.epoch}.${from.index}/${rank}`), 16);
  return new Float32Array(numValues).map(() => {
    state = mix(state + 1);
    return (state / 2 ** 32 - 0.5) * 2 ** (state % 13);
  });
}

/** The sum over an aligned block of virtual ranks, as an engine computes it. */
export function blockGradient(weights: Weights, from: Cursor, block: AlignedBlock): Contribution {
  const leaves = Array.from({ length: block.length }, (_, index) => ({
    block: { start: index, length: 1 },
    data: gradientOf(weights, from, block.start + index),
  }));
  return { block, data: sumContributions(leaves) };
}

/** The weights after a step. */
export function updated(weights: Weights, gradientDigest: string): Weights {
  return eachPart((part) =>
    hash(`${weights.slice(part * partLength, (part + 1) * partLength)}+${gradientDigest}`),
  );
}

/** The place after the examples of a step that begin here. */
export function cursorAfter({ epoch, index }: Cursor): Cursor {
  return cursorOf(epoch * epochSize + index + globalBatch);
}

/** Where the examples of a step begin in a run without phases. */
export function cursorAt(step: number): Cursor {
  return cursorOf(step * globalBatch);
}

function cursorOf(position: number): Cursor {
  return { epoch: Math.floor(position / epochSize), index: position % epochSize };
}

/** What an undisturbed run does. */
export interface Reference {
  /** By steps applied. */
  readonly weights: readonly Weights[];
  readonly facts: readonly StepFacts[];
}

/** @param phaseSteps - steps that begin a phase with other examples, so that the rest of an epoch is left */
export function referenceRun(
  numSteps: number,
  virtualRanks: number,
  begin: Weights,
  phaseSteps: readonly number[],
): Reference {
  const weights = [begin];
  const facts: StepFacts[] = [];
  let after: Cursor = { epoch: 0, index: 0 };
  for (let step = 0; step < numSteps; step++) {
    const before = weights[step] ?? begin;
    const leavesRest = phaseSteps.includes(step) && after.index > 0;
    const from = leavesRest ? { epoch: after.epoch + 1, index: 0 } : after;
    after = cursorAfter(from);
    const { data } = blockGradient(before, from, { start: 0, length: virtualRanks });
    const gradientDigest = vectorDigest(data);
    facts.push({ step, from, to: after, numExamples: globalBatch, gradientDigest });
    weights.push(updated(before, gradientDigest));
  }
  return { weights, facts };
}

function eachPart(make: (part: number) => string): Weights {
  return Array.from({ length: numParts }, (_, part) => make(part).slice(0, partLength)).join('');
}

/** 8 hex digits. */
function hash(text: string): string {
  let state = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++)
    state = Math.imul(state ^ text.charCodeAt(i), 0x0100_0193) >>> 0;
  return mix(state).toString(16).padStart(8, '0');
}
