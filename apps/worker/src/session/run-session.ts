import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorToWire, isFinal, type RunRecord, type View } from '@berth/contracts';
import { createRuns, openRun } from '@berth/queue';
import type { CheckpointSaver, Member } from '@berth/training';
import { attemptOf, openMember, type RunSessionPorts } from './open-member.ts';

const pollMs = 500;
const pollSoonMs = 50;

/** This worker's part in one run, from when it has opened it until the run is over. */
export class RunSession {
  readonly #ports: RunSessionPorts;
  readonly #runId: string;
  readonly #attempt: number;
  /** True while no member is to train: the run may end any moment. */
  #isEmptyView = false;
  readonly #member: Member;
  readonly #checkpoints: CheckpointSaver;
  readonly #ended: AbortController;

  /** @throws BerthError as `openMember` does */
  static async open(
    ports: RunSessionPorts,
    { memberId, record }: { readonly memberId: string; readonly record: RunRecord },
  ): Promise<RunSession> {
    const ended = new AbortController();
    const opened = await openMember(ports, { memberId, record }, ended.signal);
    const run = { runId: record.runId, attempt: attemptOf(record) };
    return new RunSession(ports, run, opened, ended);
  }

  private constructor(
    ports: RunSessionPorts,
    { runId, attempt }: { readonly runId: string; readonly attempt: number },
    { member, checkpoints }: { readonly member: Member; readonly checkpoints: CheckpointSaver },
    ended: AbortController,
  ) {
    this.#ended = ended;
    this.#ports = ports;
    this.#runId = runId;
    this.#attempt = attempt;
    this.#member = member;
    this.#checkpoints = checkpoints;
  }

  /**
   * Follows the run's views until it is over, or, once the signal has aborted, until the step under way is done.
   * @throws what ended the watching of views
   */
  async run(leaving: AbortSignal): Promise<void> {
    const ended = this.#ended.signal;
    this.#ports.heartbeat.tell({ state: 'idle', complaint: null, opening: undefined });
    const watching = Promise.all([this.#watchViews(ended), this.#watchRun(ended)]);
    try {
      await Promise.race([watching, this.#leaveWhen(leaving)]);
    } finally {
      this.#ended.abort();
      await this.#member.close();
      const { lastView } = this.#member;
      if (lastView !== undefined) this.#ports.lastViews.set(this.#runId, lastView);
      await this.#checkpoints.close();
      this.#ports.troubles.done('saving a checkpoint');
      await this.#ports.peers.withdrawState();
    }
    await watching;
  }

  /** Resolves once the member has left in order, after the signal. */
  async #leaveWhen(leaving: AbortSignal): Promise<void> {
    const { signal: ended } = this.#ended;
    const either = AbortSignal.any([leaving, ended]);
    if (!either.aborted) await once(either, 'abort');
    if (ended.aborted) return;
    await Promise.race([this.#member.leave(), once(ended, 'abort')]);
    this.#ports.logger.info('Left a view in order', {
      numApplied: this.#ports.heartbeat.status.step,
    });
  }

  #watchViews(signal: AbortSignal): Promise<void> {
    const { views } = openRun(this.#ports.connection, this.#runId);
    const see = (view: View): void => {
      this.#isEmptyView = view.members.length === 0;
      const { status } = this.#ports.heartbeat;
      status.newestEpoch = Math.max(view.fencingEpoch, status.newestEpoch ?? 0);
      this.#member.see(view);
    };
    return views.subscribe(see, { signal });
  }

  async #watchRun(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#isOver()) this.#ended.abort();
      else {
        const ms = this.#isEmptyView ? pollSoonMs : pollMs;
        await sleep(ms, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** True when the run has ended or begun another attempt, or another one is active. A run that Redis has lost will come back. */
  async #isOver(): Promise<boolean> {
    const runs = createRuns(this.#ports.connection);
    try {
      const [active, record] = [await runs.active(), await runs.read(this.#runId)];
      if (record !== undefined && isFinal(record.status)) return true;
      if (this.#ports.isEnough(record)) return true;
      if (record !== undefined && record.attempts.at(-1)?.attempt !== this.#attempt) return true;
      return active !== undefined && active !== this.#runId;
    } catch (error) {
      this.#ports.logger.debug('Cannot look at the run', { error: errorToWire(error) });
      return false;
    }
  }
}
