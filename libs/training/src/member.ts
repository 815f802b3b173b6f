import { EventEmitter, once } from 'node:events';
import { BerthError, errorToWire, milestonesOf, type View } from '@berth/contracts';
import type { MemberOptions, MemberPorts } from './member-ports.ts';
import { MemberWork } from './member-work.ts';
import {
  MemberProtocol,
  newMemory,
  type Answer,
  type Ask,
  type Memory,
  type MemberEvent,
  type Tell,
} from '@berth/protocol';

/** One worker's part in one run: carries out what its protocol decides. */
export class Member {
  readonly #ports: MemberPorts;
  readonly #memory: Memory;
  readonly #protocol: MemberProtocol;
  readonly #work: MemberWork;
  /** Ends the ask under way. */
  #abort = new AbortController();
  #asking: Promise<void> = Promise.resolve();
  readonly #leaving = new EventEmitter();
  #isClosed = false;

  constructor(ports: MemberPorts, options: MemberOptions) {
    const { memberId, config, settleTimeoutMs, lastView } = options;
    const { numSteps, checkpointEverySteps, checkpointEveryMs, evalEverySteps } = config.train;
    this.#ports = ports;
    const rules = {
      memberId,
      seed: config.seed,
      numSteps,
      checkpointEverySteps,
      milestones: milestonesOf(config),
      checkpointEveryMs,
      evalEverySteps,
      settleTimeoutMs,
      stepTimeoutMs: config.cluster.stepTimeoutMs,
    };
    this.#memory = newMemory(lastView);
    this.#protocol = new MemberProtocol(rules, this.#memory);
    this.#work = new MemberWork(ports, options, {
      onPeerLost: (error) => this.#happen({ kind: 'peerLost', error: errorToWire(error) }),
    });
  }

  /** The newest view that was seen of the run. */
  get lastView(): View | undefined {
    return this.#memory.newestView;
  }

  /** A view is current: the member follows it, or learns that it is not in it. */
  see(view: View): void {
    this.#happen({ kind: 'view', view });
  }

  /** The members of a view hold different states. */
  diverged(view: View, error: BerthError): void {
    this.#happen({ kind: 'diverged', view, error: errorToWire(error) });
  }

  /**
   * Takes part in no other step than the one under way; resolves when that is done and, unless others go on with it, saved.
   * Between two views it waits for the next.
   */
  async leave(): Promise<void> {
    const left = once(this.#leaving, 'left');
    this.#happen({ kind: 'leave' });
    await left;
  }

  /** Ends what is under way and leaves. The member takes no part in anything afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#abort.abort(new BerthError('COLLECTIVE_ABORTED', 'The member takes no more part'));
    await this.#asking;
    this.#work.leave();
  }

  #happen(event: MemberEvent): void {
    if (this.#isClosed) return;
    const { tells, ask, reason } = this.#protocol.decide(performance.now(), event);
    const { appliedStep } = this.#memory;
    this.#ports.logger.debug(reason, { ask: this.#protocol.asked?.kind, appliedStep });
    for (const tell of tells) this.#tell(tell);
    if (ask !== undefined) this.#asking = this.#carryOut(ask);
    if (this.#protocol.hasLeft) this.#leaving.emit('left');
  }

  async #carryOut(ask: Ask): Promise<void> {
    this.#abort = new AbortController();
    const event = await this.#work.perform(ask, this.#abort.signal).then(
      (value) => ({ kind: 'answered', answer: { to: ask.kind, value } as Answer }) as const,
      (error: unknown) => ({ kind: 'failed', error: errorToWire(error) }) as const,
    );
    this.#happen(event);
  }

  #tell(tell: Tell): void {
    const { reporter, logger } = this.#ports;
    switch (tell.kind) {
      case 'abort':
        this.#abort.abort(new BerthError('COLLECTIVE_ABORTED', tell.reason));
        return;
      case 'leave':
        this.#work.leave();
        return;
      case 'status':
        if (tell.complaint !== null) logger.warn('A view failed', { ...tell.complaint });
        reporter.status(tell.state, tell.complaint);
        return;
      case 'appliedStep':
        reporter.step(tell.step);
        return;
      case 'unsaved':
        logger.warn(
          'Leaves without a checkpoint of its last step: what was done since the newest one is done again, to the same bits',
          { step: tell.step, error: tell.error },
        );
        return;
      case 'report':
        void reporter.metrics(this.#work.metricsOf(tell));
    }
  }
}
