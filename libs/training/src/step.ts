import {
  lossScalesOf,
  numStateSlices,
  orAborted,
  stepSumsOf,
  type AlignedBlock,
  type ApplyResult,
  type GradientRequest,
  type StepSums,
} from '@berth/contracts';
import type { StepExamples } from './example-source.ts';
import { requireFinite } from './require-finite.ts';
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
}

export interface Reduced {
  /** Of the gradient summed over all virtual ranks, with its sums. */
  readonly digest: string;
  readonly sums: StepSums;
  /** Of the slice of the state before the step that its vote has; '' of a lone member's, who has nobody to compare it with. */
  readonly stateDigest: string;
}

/**
 * The arithmetic of one training step (docs/protocol.md#a-step): compute, reduce, apply, each called once and in this order.
 * What happens in between is the business of whoever runs it: nothing is changed before `apply`.
 */
export class StepWork {
  readonly #context: StepContext;
  #contributions: readonly BlockGradient[] = [];
  #reduced: Reduced | undefined;

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** Computes the gradients of our virtual ranks. */
  async compute(signal?: AbortSignal): Promise<void> {
    const { blocks, engine, isLone, session } = this.#context;
    const [whole] = blocks;
    if (
      isLone &&
      engine.holdGradients !== undefined &&
      whole !== undefined &&
      blocks.length === 1
    ) {
      const request = await orAborted(this.#requestFor(whole), signal);
      const held = await orAborted(engine.holdGradients(request), signal);
      requireFinite(this.#context, held);
      this.#reduced = { ...held, stateDigest: '' };
      return;
    }
    const contributions: BlockGradient[] = [];
    for (const [index, block] of blocks.entries()) {
      const into = session.vectors[index];
      const request = await orAborted(this.#requestFor(block), signal);
      const computing = engine.computeGradients(request, into);
      contributions.push({ block, data: await orAborted(computing, signal) });
    }
    this.#contributions = contributions;
  }

  /** Sums them with everyone's, in canonical order; a lone member's are summed already. */
  async reduce(options: { timeoutMs: number; signal?: AbortSignal }): Promise<Reduced> {
    if (this.#reduced !== undefined) return this.#reduced;
    const { step, session, engine, isLone } = this.#context;
    const contributions = this.#contributions;
    // While the network is busy, the engine is not.
    const [{ reduced, digest }, stateDigest] = await Promise.all([
      session.allReduce({ step, contributions, ...options }),
      isLone ? '' : engine.stateDigest(step % numStateSlices),
    ]);
    const gradientNorm = await orAborted(engine.takeGradients(reduced), options.signal);
    const sums = stepSumsOf(engine.task.sums, reduced);
    requireFinite(this.#context, { sums, gradientNorm });
    this.#reduced = { sums, digest, stateDigest };
    return this.#reduced;
  }

  /** Updates the weights. */
  async apply(): Promise<ApplyResult> {
    if (this.#reduced === undefined) throw new Error('A step is applied after it is reduced');
    return this.#context.engine.applyHeldGradients();
  }

  async #requestFor(block: AlignedBlock): Promise<GradientRequest> {
    const { step, examples, engine } = this.#context;
    return {
      step,
      block,
      ranks: await examples.ranksOf(block),
      lossScales: lossScalesOf(engine.task, examples.denominators),
    };
  }
}
