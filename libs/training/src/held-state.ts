import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  type ApplyResult,
  type StepFacts,
  type TrainingState,
  type View,
} from '@berth/contracts';
import type { MemberOptions, MemberPorts } from './member-ports.ts';
import { orAborted } from './or-aborted.ts';
import { gather, planSettle, restoreTopic, settleTopic } from './settle.ts';

/** A reduced step that may have been committed without us knowing. */
interface PendingStep {
  readonly facts: StepFacts;
  readonly apply: () => Promise<ApplyResult>;
}

/**
 * The weights in the engine and the step they stand at, between views too, with the last reduced gradient, which settles
 * whether a step that was cut short had been committed.
 */
export class HeldState {
  readonly #ports: MemberPorts;
  readonly #options: MemberOptions;
  #step = -1;
  #pending: PendingStep | undefined;

  constructor(ports: MemberPorts, options: MemberOptions) {
    this.#ports = ports;
    this.#options = options;
    ports.peers.serveState((runId, step) => this.#provideState(runId, step));
  }

  /** Steps applied to the weights; -1 when there are none. */
  get step(): number {
    return this.#step;
  }

  /** Keeps a reduced gradient until it is known whether its step was committed. */
  keep(facts: StepFacts, apply: () => Promise<ApplyResult>): void {
    this.#pending = { facts, apply };
  }

  /** Brings all members of a view to one state. */
  async settle(view: View, signal: AbortSignal): Promise<void> {
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
    this.advance(this.#step + 1);
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
      this.advance(0);
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
    this.advance(state.step);
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

  /** Notes that the weights now stand at a step. */
  advance(step: number): void {
    this.#step = step;
    this.#pending = undefined;
    this.#ports.reporter.step(step);
  }
}
