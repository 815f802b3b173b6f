import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  metricsFromSums,
  toBerthError,
  type ApplyResult,
  type Complaint,
  type Cursor,
  type Logger,
  type RunConfig,
  type StepFacts,
  type TrainingState,
  type View,
} from '@berth/contracts';
import type { CheckpointSaver } from './checkpoint-saver.ts';
import { commitStep } from './commit.ts';
import { evaluate } from './evaluate.ts';
import type { ExampleSource, StepExamples } from './example-source.ts';
import { orAborted } from './or-aborted.ts';
import type {
  EnginePort,
  ExampleReader,
  LedgerPort,
  PeerPort,
  RendezvousPort,
  ReporterPort,
} from './ports.ts';
import { gather, planSettle, restoreTopic, settleTopic } from './settle.ts';
import { runStep } from './step.ts';
import { vectorLength } from './vector.ts';

/** Everything a member of a run talks to. */
export interface MemberPorts {
  readonly engine: EnginePort;
  readonly peers: PeerPort;
  readonly ledger: LedgerPort;
  readonly rendezvous: RendezvousPort;
  readonly examples: ExampleSource;
  readonly heldOut: () => Promise<ExampleReader>;
  readonly checkpoints: CheckpointSaver;
  readonly reporter: ReporterPort;
  readonly logger: Logger;
}

export interface MemberOptions {
  readonly runId: string;
  readonly memberId: string;
  readonly config: RunConfig;
  /** Longest wait for peers when a view begins. */
  readonly settleTimeoutMs: number;
}

/** A reduced step that may have been committed without us knowing. */
interface PendingStep {
  readonly facts: StepFacts;
  readonly apply: () => Promise<ApplyResult>;
}

/**
 * One worker's part in one run. It owns the state between views: the weights in the engine, the step they stand at, and
 * the last reduced gradient, which settles whether a step that was cut short had been committed.
 */
export class Member {
  readonly #ports: MemberPorts;
  readonly #options: MemberOptions;
  #step = -1;
  #pending: PendingStep | undefined;

  constructor(ports: MemberPorts, options: MemberOptions) {
    this.#ports = ports;
    this.#options = options;
    ports.peers.serveState((runId, step) => this.#provideState(runId, step));
  }

  /** Steps applied to the weights it holds; -1 when it holds none. */
  get step(): number {
    return this.#step;
  }

  /**
   * Works under one view until the run's last step, a save, or a failure of the view.
   * @throws what ended the view; the caller turns it into a complaint and waits for the next view
   */
  async follow(view: View, signal: AbortSignal): Promise<void> {
    const { settleTimeoutMs, config, memberId } = this.#options;
    const session = await this.#ports.peers.joinView(view, {
      vectorLength: vectorLength(this.#ports.engine.layout),
      timeoutMs: settleTimeoutMs,
      signal,
    });
    try {
      await this.#settle(view, signal);
      if (view.mode === 'save') {
        await this.#save(view, await this.#cursorAt(this.#step));
        await orAborted(this.#ports.checkpoints.settled(), signal);
        return;
      }
      const blocks = view.members.find((member) => member.memberId === memberId)?.blocks ?? [];
      let cursor = await this.#cursorAt(this.#step);
      if (this.#step === 0 && config.train.evalEverySteps > 0 && isLeader(view, memberId))
        await this.#evaluate();
      let prefetched: Promise<StepExamples> | undefined;
      while (this.#step < config.train.numSteps) {
        const step = this.#step;
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
          onReduced: (facts, apply) => {
            this.#pending = { facts, apply };
          },
          timeoutMs: config.cluster.stepTimeoutMs,
          signal,
        });
        this.#advance(step + 1);
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
    const suspects = typeof details['missing'] === 'string' ? details['missing'].split(',') : [];
    return {
      viewVersion: view.version,
      step: Math.max(0, this.#step),
      suspects,
      error: { code, message, details },
    };
  }

  async #afterStep(view: View, cursor: Cursor): Promise<void> {
    const { train } = this.#options.config;
    if (this.#step === train.numSteps) return;
    if (this.#step % train.checkpointEverySteps === 0) await this.#save(view, cursor);
    const evaluates = train.evalEverySteps > 0 && this.#step % train.evalEverySteps === 0;
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
      step: this.#step,
      timeMs: Date.now(),
      ...metrics,
      stepMs: performance.now() - startMs,
    });
  }

  /** Brings all members of a view to one state. */
  async #settle(view: View, signal: AbortSignal): Promise<void> {
    await this.#applyPendingIfCommitted();
    const { memberId, settleTimeoutMs } = this.#options;
    const members = view.members.map((member) => member.memberId);
    const words = await gather(
      this.#ports.rendezvous,
      settleTopic(view),
      { self: memberId, members, word: String(this.#step) },
      { timeoutMs: settleTimeoutMs, signal },
    );
    const held = new Map([...words].map(([member, word]) => [member, Number(word)]));
    const plan = planSettle(held, view.fromStep);
    if (plan.kind === 'restore') await this.#restore(view, plan.chooser, signal);
    else if (this.#step !== plan.step) await this.#fetchFrom(view, plan.donors, plan.step, signal);
  }

  async #applyPendingIfCommitted(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined || pending.facts.step !== this.#step) return;
    const entry = await this.#ports.ledger.entry(this.#step);
    if (entry?.gradientDigest !== pending.facts.gradientDigest) return;
    await pending.apply();
    this.#advance(this.#step + 1);
  }

  async #restore(view: View, chooser: string, signal: AbortSignal): Promise<void> {
    const { memberId, settleTimeoutMs, config } = this.#options;
    const { checkpoints, rendezvous, engine, logger } = this.#ports;
    if (memberId === chooser) {
      const found = await orAborted(checkpoints.newestStep(view.fromStep), signal);
      await rendezvous.post(
        restoreTopic(view),
        memberId,
        found === undefined ? 'init' : String(found),
      );
    }
    const words = await gather(
      rendezvous,
      restoreTopic(view),
      { members: [chooser] },
      { timeoutMs: settleTimeoutMs, signal },
    );
    const word = words.get(chooser) ?? 'init';
    if (word === 'init') {
      this.#step = -1;
      await engine.initialize(config.seed);
      this.#advance(0);
      logger.info('Initialised the weights from the seed', { seed: config.seed });
      return;
    }
    await this.#load(await orAborted(checkpoints.load(Number(word)), signal));
    logger.info('Restored a checkpoint', { step: this.#step });
  }

  async #fetchFrom(
    view: View,
    donors: readonly string[],
    step: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { memberId, runId, settleTimeoutMs } = this.#options;
    const order = view.members.findIndex((member) => member.memberId === memberId);
    const donorId = donors[order % donors.length];
    const donor = view.members.find((member) => member.memberId === donorId);
    if (donor === undefined) throw new BerthError('INTERNAL', `No donor for step ${step}`);
    const fetching = this.#ports.peers.fetchState(donor, runId, step, settleTimeoutMs);
    await this.#load(await orAborted(fetching, signal));
    this.#ports.logger.info('Copied the state from a peer', { step, donor: donor.memberId });
  }

  async #load(state: TrainingState): Promise<void> {
    // Whatever ends the loading half-way, the engine then holds no step's weights.
    this.#step = -1;
    await this.#ports.engine.loadState(state);
    this.#advance(state.step);
  }

  async #provideState(runId: string, step: number): Promise<TrainingState | undefined> {
    if (runId !== this.#options.runId) return undefined;
    // A donor may still be applying the step that the joiner asks for.
    const deadlineMs = performance.now() + this.#options.settleTimeoutMs;
    while (this.#step !== step && performance.now() < deadlineMs) await sleep(5);
    if (this.#step !== step) return undefined;
    const state = await this.#ports.engine.readState();
    return state.step === step ? state : undefined;
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

  #advance(step: number): void {
    this.#step = step;
    this.#pending = undefined;
    this.#ports.reporter.step(step);
  }
}

/** The first member of a view writes manifests, evaluates and reports. */
function isLeader(view: View, memberId: string): boolean {
  return view.members[0]?.memberId === memberId;
}
