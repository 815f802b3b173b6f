import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  orAborted,
  phaseAt,
  type MeasuredLine,
  type TrainingState,
} from '@berth/contracts';
import { evaluate } from './evaluate.ts';
import { ExamplesAhead } from './examples-ahead.ts';
import type { StepExamples } from './example-source.ts';
import type { MemberOptions, MemberPorts } from './member-ports.ts';
import type { ReduceSession } from './ports.ts';
import type { Answers, Ask, Tell } from '@berth/protocol';
import { StepClock } from './step-clock.ts';
import { StepWork } from './step.ts';
import { vectorLength } from './vector.ts';

type AskOf<K extends Ask['kind']> = Extract<Ask, { kind: K }>;

/** Does through ports what a member is asked to do, and keeps what one ask leaves for the next. */
export class MemberWork {
  readonly #ports: MemberPorts;
  readonly #options: MemberOptions;
  readonly #clock = new StepClock();
  readonly #ahead: ExamplesAhead;
  #session: ReduceSession | undefined;
  #examples: StepExamples | undefined;
  /** The step computed last. */
  #step: StepWork | undefined;
  #fetched: TrainingState | undefined;

  readonly #onPeerLost: (error: Error) => void;

  constructor(
    ports: MemberPorts,
    options: MemberOptions,
    { onPeerLost }: { readonly onPeerLost: (error: Error) => void },
  ) {
    this.#onPeerLost = onPeerLost;
    this.#ports = ports;
    this.#options = options;
    this.#ahead = new ExamplesAhead(ports.examples);
  }

  /** Closes the connections of the view. */
  leave(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  /** The line about the step just applied. */
  metricsOf({ step, sums }: Extract<Tell, { kind: 'report' }>): MeasuredLine {
    return this.#clock.line(this.#ports.engine.task, step, sums);
  }

  /**
   * Does what is asked; the signal ends what may take long.
   * @returns the answer to this kind of ask
   */
  async perform(ask: Ask, signal: AbortSignal): Promise<Answers[Ask['kind']]> {
    const { engine, peers, ledger, rendezvous, checkpoints } = this.#ports;
    const { memberId } = this.#options;
    switch (ask.kind) {
      case 'join':
        return this.#join(ask, signal);
      case 'readEntry':
        return ledger.entry(ask.step);
      case 'digestState':
        return engine.stateDigest();
      case 'postValue':
        return rendezvous.post(ask.key, memberId, ask.value);
      case 'readValues':
        return rendezvous.read(ask.key);
      case 'findCheckpoint':
        return orAborted(checkpoints.newestStep(ask.maxStep, ask.minStep), signal);
      case 'fetchCheckpoint':
        this.#fetched = await orAborted(checkpoints.load(ask.step), signal);
        return;
      case 'fetchState':
        return this.#fetchState(ask, signal);
      case 'snapshot':
        // Not ended early: the memory may be put to other use only when this is done.
        await engine.readState(await peers.stateVectors());
        return peers.offerState(ask.view, ask.step);
      case 'load':
        return this.#load(ask);
      case 'initialize':
        return this.#initialize(ask, signal);
      case 'readExamples':
        this.#clock.begin();
        this.#examples = await this.#clock.time(
          'dataMs',
          orAborted(this.#ahead.read(ask.cursor, ask.step, ask.isLast), signal),
        );
        return this.#examples;
      case 'compute':
        return this.#clock.time('computeMs', this.#compute(ask, signal));
      case 'reduce':
        return this.#clock.time('reduceMs', this.#computed().reduce(signal));
      case 'vote':
        return ledger.vote(ask.view, memberId, ask.facts, ask.sums, ask.stateDigest);
      case 'apply':
        await this.#clock.timeApply(this.#computed().apply());
        this.#ports.reporter.timed?.(this.#clock.phases);
        return;
      case 'save': {
        const startMs = performance.now();
        const state = await engine.readState(checkpoints.memory());
        const stallMs = Math.round(performance.now() - startMs);
        return checkpoints.save(ask.view, state, ask.cursor, { stallMs });
      }
      case 'finishSaves':
        return orAborted(checkpoints.settled(), signal);
      case 'evaluate':
        return this.#evaluate(ask.step, signal);
      case 'wait':
        return sleep(ask.ms, undefined, { signal });
    }
  }

  async #join({ view }: AskOf<'join'>, signal: AbortSignal): Promise<void> {
    this.#session = await this.#ports.peers.joinView(view, {
      vectorLength: vectorLength(this.#ports.engine),
      timeoutMs: this.#options.settleTimeoutMs,
      signal,
      onPeerLost: this.#onPeerLost,
    });
  }

  async #fetchState(
    { view, step, donors }: AskOf<'fetchState'>,
    signal: AbortSignal,
  ): Promise<void> {
    const timeoutMs = this.#options.settleTimeoutMs;
    this.#fetched = await this.#ports.peers.fetchState(donors, { view, step, timeoutMs, signal });
  }

  async #load({ step, digest: expected }: AskOf<'load'>): Promise<void> {
    const state = this.#fetched;
    if (state === undefined) throw new BerthError('INTERNAL', 'There is no state to load');
    this.#fetched = undefined;
    const { engine } = this.#ports;
    await engine.loadState(state);
    if (expected === undefined) return;
    const digest = await engine.stateDigest();
    if (digest !== expected)
      throw new BerthError(
        'COLLECTIVE_PROTOCOL',
        `The state after step ${step} has digest ${digest} here, ${expected} where it was copied from`,
      );
  }

  async #initialize({ seed }: AskOf<'initialize'>, signal: AbortSignal): Promise<void> {
    const { engine, storedStart } = this.#ports;
    if (storedStart === undefined) return engine.initialize(seed);
    await engine.loadState(await orAborted(storedStart(signal), signal));
  }

  async #compute({ step, blocks, isLone }: AskOf<'compute'>, signal: AbortSignal): Promise<void> {
    const { engine } = this.#ports;
    const { config } = this.#options;
    const { index } = phaseAt(config, step);
    const [session, examples] = [this.#session, this.#examples];
    if (session === undefined || examples === undefined)
      throw new BerthError('INTERNAL', `Step ${step} is computed without peers or examples`);
    if (engine.enterPhase !== undefined) await orAborted(engine.enterPhase(index), signal);
    const { stepTimeoutMs: timeoutMs } = config.cluster;
    this.#step = new StepWork({ step, examples, blocks, isLone, engine, session, timeoutMs });
    await this.#step.compute(signal);
  }

  #computed(): StepWork {
    if (this.#step === undefined) throw new BerthError('INTERNAL', 'No step has been computed');
    return this.#step;
  }

  async #evaluate(step: number, signal: AbortSignal): Promise<void> {
    const { engine } = this.#ports;
    const { config } = this.#options;
    // As the weights were trained last.
    const phase = phaseAt(config, Math.max(0, step - 1));
    const { maxSeqLength, maxPredictions } = phase.examples;
    const startMs = performance.now();
    const heldOut = await orAborted(this.#ports.heldOut(phase.index), signal);
    // A corpus of which nothing is held out.
    if (heldOut.numExamples === 0) return;
    if (engine.enterPhase !== undefined) await orAborted(engine.enterPhase(phase.index), signal);
    const reportMeter = await this.#ports.reportMeter?.(signal);
    const { metrics, numTokens, report } = await evaluate(engine, heldOut, {
      numEvalExamples: config.train.numEvalExamples,
      batchSize: Math.min(32, phase.globalBatch),
      maxSeqLength,
      maxPredictions,
      baselines: this.#ports.baselines(),
      reportMeter,
      signal,
    });
    const stepMs = performance.now() - startMs;
    const line = { kind: 'eval', step, timeMs: Date.now(), ...metrics, numTokens, stepMs } as const;
    // Before the line: who reads of an evaluation there finds its report.
    if (report !== undefined)
      await orAborted(this.#ports.reporter.report?.(step, report) ?? Promise.resolve(), signal);
    // Who commits the next step knows that this is kept: afterwards nobody could make it again.
    await orAborted(this.#ports.reporter.metrics(line), signal);
  }
}
