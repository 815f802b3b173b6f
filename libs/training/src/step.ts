import {
  numStepSums,
  sumsFromVector,
  type AlignedBlock,
  type ApplyResult,
  type GradientRequest,
  type StepFacts,
  type StepSums,
} from '@berth/contracts';
import type { StepExamples } from './example-source.ts';
import { orAborted } from './or-aborted.ts';
import type { BlockGradient, EnginePort, ReduceSession } from './ports.ts';

/** What one step needs: who computes what, with whom, on which examples. */
export interface StepContext {
  readonly step: number;
  readonly examples: StepExamples;
  /** Our virtual ranks. */
  readonly blocks: readonly AlignedBlock[];
  /** True when nobody else computes: the gradient need not leave the device. */
  readonly isLone: boolean;
  readonly engine: EnginePort;
  readonly session: ReduceSession;
  /** Resolves once the step is in the ledger; rejects when it will never be under this view. */
  readonly commit: (facts: StepFacts, sums: StepSums) => Promise<void>;
  /** Called before the vote: from then on the step may commit without us, and `apply` is how to catch up. */
  readonly onReduced: (facts: StepFacts, apply: () => Promise<ApplyResult>) => void;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface StepPhases {
  readonly computeMs: number;
  readonly reduceMs: number;
  readonly commitMs: number;
  readonly applyMs: number;
}

export interface StepOutcome {
  readonly facts: StepFacts;
  readonly sums: StepSums;
  readonly applied: ApplyResult;
  readonly phases: StepPhases;
}

/** A step's gradient, summed over all virtual ranks and ready to be applied. */
interface Reduced {
  readonly sums: StepSums;
  readonly digest: string;
  readonly apply: () => Promise<ApplyResult>;
  readonly computedMs: number;
}

/**
 * One training step (DESIGN section 4): compute the gradients of our virtual ranks, sum all ranks in canonical order,
 * vote, and apply once the ledger has the step. Nothing is applied when anything before the commit fails.
 */
export async function runStep(context: StepContext): Promise<StepOutcome> {
  const { step, examples } = context;
  const startMs = performance.now();
  const { sums, digest, apply, computedMs } = await reduce(context);
  const reducedMs = performance.now();

  const { from, to, numExamples } = examples;
  const facts: StepFacts = { step, from, to, numExamples, gradientDigest: digest };
  context.onReduced(facts, apply);
  await context.commit(facts, sums);
  const committedMs = performance.now();

  const applied = await apply();
  return {
    facts,
    sums,
    applied,
    phases: {
      computeMs: computedMs - startMs,
      reduceMs: reducedMs - computedMs,
      commitMs: committedMs - reducedMs,
      applyMs: performance.now() - committedMs,
    },
  };
}

/** Computes our blocks and sums them with everyone's. */
async function reduce(context: StepContext): Promise<Reduced> {
  const { step, examples, blocks, engine, session, timeoutMs, signal } = context;
  const requestFor = (block: AlignedBlock): GradientRequest => ({
    step,
    block,
    ranks: examples.ranksOf(block),
    maskedLmScale: 1 / (examples.numPredictions + 1e-5),
    nextSentenceScale: 1 / examples.numExamples,
  });

  const [whole] = blocks;
  const { held } = engine;
  if (context.isLone && held !== undefined && whole !== undefined && blocks.length === 1) {
    const { sums, digest } = await held.compute(requestFor(whole));
    return { sums, digest, apply: () => held.apply(), computedMs: performance.now() };
  }

  const contributions: BlockGradient[] = [];
  for (const block of blocks) {
    const computing = engine.computeGradients(requestFor(block));
    contributions.push({ block, data: await (signal ? orAborted(computing, signal) : computing) });
  }
  const computedMs = performance.now();
  const { reduced, digest } = await session.allReduce({
    step,
    contributions,
    timeoutMs,
    ...(signal && { signal }),
  });
  const sums = sumsFromVector(reduced, reduced.length - numStepSums);
  return { sums, digest, apply: () => engine.applyGradients(reduced), computedMs };
}
