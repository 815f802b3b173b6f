import { setTimeout as sleep } from 'node:timers/promises';
import { RunWatch } from '@berth/chaos';
import { BerthError, isBerthError } from '@berth/contracts';
import { createMembers, type RedisConnection } from '@berth/queue';

const pollMs = 20;
/** Steps that must be committed after a move before the next one. */
const numQuietSteps = 5;

/** Follows a run, and what its members hold, over moves and outages. */
export class UpgradeWatch {
  readonly run: RunWatch;
  readonly #commitTimesMs: readonly number[];
  readonly #steps = new Map<string, number>();
  readonly #looking: Promise<void>;
  #isClosed = false;
  /** The longest time without a commit around each move. */
  readonly pauses: { readonly what: string; readonly pauseMs: number }[] = [];
  /** Members that held fewer steps than before: what they do again was lost. */
  readonly fellBack: string[] = [];

  static async open(
    connection: RedisConnection,
    redisUrl: string,
    runId: string,
  ): Promise<UpgradeWatch> {
    const timesMs: number[] = [];
    const run = await RunWatch.open(redisUrl, runId, (entry) => timesMs.push(entry.committedAtMs));
    return new UpgradeWatch(connection, run, timesMs);
  }

  private constructor(
    connection: RedisConnection,
    run: RunWatch,
    commitTimesMs: readonly number[],
  ) {
    this.run = run;
    this.#commitTimesMs = commitTimesMs;
    this.#looking = this.#lookAtMembers(connection);
  }

  /** @throws BerthError `RUN_FAILED` when the run fails, or saying what was awaited in vain */
  until(what: string, isSo: () => boolean): Promise<void> {
    return this.run.until(() => {
      const { record } = this.run;
      if (record?.status === 'failed')
        throw new BerthError('RUN_FAILED', `The run failed: ${record.reason}`);
      return isSo();
    }, what);
  }

  steps(count: number): Promise<void> {
    const from = this.run.numCommitted;
    return this.until(`${count} steps`, () => this.run.numCommitted >= from + count);
  }

  /** Does something while the run trains, and waits until it has gone on. */
  async during(what: string, act: () => Promise<unknown>): Promise<void> {
    const from = this.run.numCommitted;
    await act();
    await this.steps(numQuietSteps);
    const times = this.#commitTimesMs.slice(from - 1);
    const gaps = times.slice(1).map((timeMs, index) => timeMs - times[index]!);
    this.pauses.push({ what, pauseMs: Math.max(...gaps) });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#looking;
    await this.run.close();
  }

  async #lookAtMembers(connection: RedisConnection): Promise<void> {
    const members = createMembers(connection);
    while (!this.#isClosed) {
      try {
        for (const { info } of await members.list({ forget: false })) this.#compare(info);
      } catch (error) {
        if (!isBerthError(error) || error.code !== 'QUEUE_UNREACHABLE') throw error;
      }
      await sleep(pollMs);
    }
  }

  #compare({ memberId, step }: { readonly memberId: string; readonly step: number }): void {
    if (step < 0) return;
    const before = this.#steps.get(memberId) ?? 0;
    if (step < before) this.fellBack.push(`${memberId} from ${before} to ${step}`);
    this.#steps.set(memberId, step);
  }
}
