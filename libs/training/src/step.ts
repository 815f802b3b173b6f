import {
  numStepSums,
  sumsFromVector,
  type AlignedBlock,
  type ApplyResult,
  type StepFacts,
  type StepSums,
} from '@berth/contracts';
import type { StepExamples } from './example-source.ts';
import type { BlockGradient, EnginePort, ReduceSession } from './ports.ts';

/** What one step needs: who computes what, with whom, on which examples. */
export interface StepContext {
  readonly step: number;
  readonly examples: StepExamples;
  readonly blocks: readonly AlignedBlock[];
  readonly engine: EnginePort;
  readonly session: ReduceSession;
  /** Resolves once the step is in the ledger; rejects when it will never be under this view. */
  readonly commit: (facts: StepFacts, sums: StepSums) => Promise<void>;
  /** Called with the reduced gradient before the vote: from then on the step may commit without us. */
  readonly onReduced: (facts: StepFacts, reduced: Float32Array) => void;
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

/**
 * One training step (DESIGN section 4): compute the gradients of our virtual ranks, sum all ranks in canonical order,
 * vote, and apply once the ledger has the step. Nothing is applied when anything before the commit fails.
 */
export async function runStep(context: StepContext): Promise<StepOutcome> {
  const { step, examples, engine, session } = context;
  const startMs = performance.now();

  const contributions: BlockGradient[] = [];
  for (const block of context.blocks) {
    context.signal?.throwIfAborted();
    const data = await engine.computeGradients({
      step,
      block,
      ranks: examples.ranksOf(block),
      maskedLmScale: 1 / (examples.numPredictions + 1e-5),
      nextSentenceScale: 1 / examples.numExamples,
    });
    contributions.push({ block, data });
  }
  const computedMs = performance.now();

  const { timeoutMs, signal } = context;
  const { reduced, digest } = await session.allReduce({
    step,
    contributions,
    timeoutMs,
    ...(signal && { signal }),
  });
  const reducedMs = performance.now();

  const sums = sumsFromVector(reduced, reduced.length - numStepSums);
  const { from, to, numExamples } = examples;
  const facts: StepFacts = { step, from, to, numExamples, gradientDigest: digest };
  context.onReduced(facts, reduced);
  await context.commit(facts, sums);
  const committedMs = performance.now();

  const applied = await engine.applyGradients(reduced);
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
