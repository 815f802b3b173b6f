import {
  lossScalesOf,
  markReady,
  newReadyMark,
  numStateSlices,
  orAborted,
  stepSumsOf,
  type AlignedBlock,
  type ApplyResult,
  type GradientRequest,
  type GradientVector,
  type ReadyMark,
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
  /** How long the others are waited for. */
  readonly timeoutMs: number;
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
  /** Under way since the last of our gradients began to be computed; undefined where none leaves the device. */
  #summing: Promise<{ reduced: GradientVector; digest: string }> | undefined;
  /** Ends it. */
  readonly #stop = new AbortController();
  #reduced: Reduced | undefined;

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** Computes the gradients of our virtual ranks, and has them summed with everyone's meanwhile. */
  async compute(signal?: AbortSignal): Promise<void> {
    this.#endOn(signal);
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
    const computed: BlockGradient[] = [];
    for (const block of blocks.slice(0, -1))
      computed.push(await this.#computeBlock(block, computed.length, signal));
    const last = blocks.at(-1);
    const into = session.vectors[computed.length];
    if (last !== undefined && into !== undefined) {
      // What of the last gradient is there is summed while the rest of it is computed.
      const request = await orAborted(this.#requestFor(last), signal);
      const ready = newReadyMark();
      this.#sum([...computed, { block: last, data: into }], ready);
      await orAborted(engine.computeGradients(request, into, ready), signal);
      // Not every engine can tell before.
      markReady(ready, 0);
      return;
    }
    if (last !== undefined) computed.push(await this.#computeBlock(last, computed.length, signal));
    this.#sum(computed);
  }

  async #computeBlock(
    block: AlignedBlock,
    index: number,
    signal?: AbortSignal,
  ): Promise<BlockGradient> {
    const { engine, session } = this.#context;
    const request = await orAborted(this.#requestFor(block), signal);
    const computing = engine.computeGradients(request, session.vectors[index]);
    return { block, data: await orAborted(computing, signal) };
  }

  #sum(contributions: readonly BlockGradient[], ready?: ReadyMark): void {
    const { step, session, timeoutMs } = this.#context;
    const { signal } = this.#stop;
    this.#summing = session.allReduce({
      step,
      contributions,
      timeoutMs,
      signal,
      ...(ready && { ready }),
    });
    // Whoever waits for it hears of that.
    this.#summing.catch(() => undefined);
  }

  /** Whoever ends computing, or waiting for the sum, ends the sum. */
  #endOn(signal: AbortSignal | undefined): void {
    const end = (): void => this.#stop.abort(signal?.reason);
    if (signal?.aborted === true) end();
    signal?.addEventListener('abort', end, { once: true });
  }

  /** What the gradients of everyone come to, in canonical order; a lone member's are summed already. */
  async reduce(signal?: AbortSignal): Promise<Reduced> {
    if (this.#reduced !== undefined) return this.#reduced;
    this.#endOn(signal);
    const { step, engine, isLone } = this.#context;
    if (this.#summing === undefined) throw new Error('A step is reduced after it is computed');
    // While the network is busy, the engine is not.
    const [{ reduced, digest }, stateDigest] = await Promise.all([
      this.#summing,
      isLone ? '' : engine.stateDigest(step % numStateSlices),
    ]);
    const gradientNorm = await orAborted(engine.takeGradients(reduced), signal);
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
