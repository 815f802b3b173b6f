import {
  BerthError,
  metricsFromSums,
  toBerthError,
  type Complaint,
  type Cursor,
  type View,
} from '@berth/contracts';
import { commitStep } from './commit.ts';
import { evaluate } from './evaluate.ts';
import type { StepExamples } from './example-source.ts';
import { HeldState } from './held-state.ts';
import type { MemberOptions, MemberPorts } from './member-ports.ts';
import { orAborted } from './or-aborted.ts';
import { runStep } from './step.ts';
import { vectorLength } from './vector.ts';

/** One worker's part in one run, from view to view. */
export class Member {
  readonly #ports: MemberPorts;
  readonly #options: MemberOptions;
  readonly #held: HeldState;

  constructor(ports: MemberPorts, options: MemberOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#held = new HeldState(ports, options);
  }

  /** Steps applied to the weights it holds; -1 when it holds none. */
  get step(): number {
    return this.#held.step;
  }

  /**
   * Works under one view until the run's last step, a save, or a failure of the view.
   * @param signal - ends the work at once
   * @param leaving - ends it once the step under way is committed and applied
   * @throws what ended the view; the caller turns it into a complaint and waits for the next view
   */
  async follow(view: View, signal: AbortSignal, leaving?: AbortSignal): Promise<void> {
    const { settleTimeoutMs, config, memberId } = this.#options;
    const session = await this.#ports.peers.joinView(view, {
      vectorLength: vectorLength(this.#ports.engine.layout),
      timeoutMs: settleTimeoutMs,
      signal,
    });
    try {
      await this.#held.settle(view, signal);
      if (view.mode === 'save') {
        await this.#save(view, await this.#cursorAt(this.#held.step));
        await orAborted(this.#ports.checkpoints.settled(), signal);
        return;
      }
      const blocks = view.members.find((member) => member.memberId === memberId)?.blocks ?? [];
      let cursor = await this.#cursorAt(this.#held.step);
      if (this.#held.step === 0 && config.train.evalEverySteps > 0 && isLeader(view, memberId))
        await this.#evaluate();
      let prefetched: Promise<StepExamples> | undefined;
      while (this.#held.step < config.train.numSteps) {
        const step = this.#held.step;
        const startMs = performance.now();
        const examples = await orAborted(prefetched ?? this.#ports.examples.at(cursor), signal);
        const dataMs = performance.now() - startMs;
        cursor = examples.to;
        prefetched = step + 1 < config.train.numSteps ? this.#ports.examples.at(cursor) : undefined;
        // Its failure is taken up by the next iteration; until then it must not count as unhandled.
        prefetched?.catch(() => undefined);
        const outcome = await runStep({
          step,
          examples,
          blocks,
          isLone: view.members.length === 1,
          engine: this.#ports.engine,
          session,
          commit: async (facts, sums) => {
            await commitStep(this.#ports.ledger, view, memberId, facts, sums, {
              timeoutMs: config.cluster.stepTimeoutMs,
              signal,
            });
          },
          onReduced: (facts, apply) => this.#held.keep(facts, apply),
          timeoutMs: config.cluster.stepTimeoutMs,
          signal,
        });
        this.#held.advance(step + 1);
        if (isLeader(view, memberId))
          this.#ports.reporter.metrics({
            kind: 'step',
            step,
            timeMs: Date.now(),
            ...metricsFromSums(outcome.sums),
            learningRate: outcome.applied.learningRate,
            gradientNorm: outcome.applied.gradientNorm,
            numTokens: outcome.sums.numTokens,
            stepMs: performance.now() - startMs,
            dataMs,
            ...outcome.phases,
          });
        await this.#afterStep(view, cursor);
        if (leaving?.aborted === true && this.#held.step < config.train.numSteps) return;
      }
      await this.#save(view, cursor);
      if (isLeader(view, memberId)) await this.#evaluate();
      await orAborted(this.#ports.checkpoints.settled(), signal);
    } finally {
      session.close();
    }
  }

  /** What to tell the coordinator after `follow` threw. */
  complaintAbout(view: View, error: unknown): Complaint {
    const { code, message, details } = toBerthError(error);
    // Who left said so itself, and is no suspect.
    const named = details['missing'] ?? (details['left'] === true ? '' : details['memberId']);
    const suspects = typeof named === 'string' && named !== '' ? named.split(/, */) : [];
    return {
      viewVersion: view.version,
      step: Math.max(0, this.#held.step),
      suspects,
      error: { code, message, details },
    };
  }

  async #afterStep(view: View, cursor: Cursor): Promise<void> {
    const { train } = this.#options.config;
    if (this.#held.step === train.numSteps) return;
    if (this.#held.step % train.checkpointEverySteps === 0) await this.#save(view, cursor);
    const evaluates = train.evalEverySteps > 0 && this.#held.step % train.evalEverySteps === 0;
    if (evaluates && isLeader(view, this.#options.memberId)) await this.#evaluate();
  }

  async #save(view: View, cursor: Cursor): Promise<void> {
    this.#ports.checkpoints.save(view, await this.#ports.engine.readState(), cursor);
  }

  async #evaluate(): Promise<void> {
    const { train, examples } = this.#options.config;
    const startMs = performance.now();
    const { numExamples: _count, ...metrics } = await evaluate(
      this.#ports.engine,
      await this.#ports.heldOut(),
      {
        numEvalExamples: train.numEvalExamples,
        batchSize: Math.min(32, train.globalBatch),
        maxSeqLength: examples.maxSeqLength,
        maxPredictions: examples.maxPredictions,
      },
    );
    this.#ports.reporter.metrics({
      kind: 'eval',
      step: this.#held.step,
      timeMs: Date.now(),
      ...metrics,
      stepMs: performance.now() - startMs,
    });
  }

  async #cursorAt(step: number): Promise<Cursor> {
    if (step === 0) return { epoch: 0, index: 0 };
    const entry = await this.#ports.ledger.entry(step - 1);
    if (entry === undefined)
      throw new BerthError(
        'LEDGER_BEHIND',
        `The ledger has no step ${step - 1}, but the weights do`,
      );
    return entry.to;
  }
}

/** The first member of a view writes manifests, evaluates and reports. */
function isLeader(view: View, memberId: string): boolean {
  return view.members[0]?.memberId === memberId;
}
