import { setTimeout as sleep } from 'node:timers/promises';
import type { MemberInfo } from '@berth/contracts';
import type { PendingSave } from '@berth/training';

/** What a worker says of itself that changes. */
export type WorkerStatus = Pick<
  MemberInfo,
  | 'state'
  | 'runId'
  | 'step'
  | 'complaint'
  | 'rankMs'
  | 'newestEpoch'
  | 'troubles'
  | 'saved'
  | 'numSumElements'
> & {
  /** Why it is about to leave, once it was told to. */
  drain?: MemberInfo['drain'];
  /** A state that waits to be saved, and since when. */
  pending: PendingSave | undefined;
  /** Of its arithmetic in the run that it has opened. */
  fingerprint: string | undefined;
  /** What it is at before it can take part in the run, and since when. */
  opening: { readonly activity: Opening['activity']; readonly sinceMs: number } | undefined;
};
type Opening = NonNullable<MemberInfo['opening']>;

/** Of a worker without a run; what epoch it has seen stays so. */
export const idleStatus: Readonly<Omit<WorkerStatus, 'newestEpoch' | 'troubles' | 'drain'>> = {
  pending: undefined,
  saved: undefined,
  numSumElements: undefined,
  state: 'idle',
  runId: null,
  step: -1,
  complaint: null,
  rankMs: null,
  fingerprint: undefined,
  opening: undefined,
};

/** Why a worker does not take part in a run, for people; undefined when it does, or stands by to. */
export function whyNotReady({
  state,
  runId,
  opening,
  drain,
  complaint,
}: WorkerStatus): string | undefined {
  if (drain !== undefined) return `it leaves: ${drain.reason}`;
  if (runId === null) return 'it has no run';
  if (opening !== undefined) return opening.activity;
  return state === 'syncing' ? (complaint?.error.message ?? 'taking over the state') : undefined;
}

const beatMs = 200;

/** Tells again and again that this worker lives and what it does, and at once when there is news. */
export class Heartbeat {
  /** Sent with the next beat; may be changed in place. */
  readonly status: WorkerStatus = { ...idleStatus, newestEpoch: 0 };
  readonly #send: (status: WorkerStatus, isNews: boolean) => Promise<void>;
  readonly #beating: Promise<void>;
  #stopped = false;
  #hasNews = false;
  #wake = (): void => undefined;

  /** @param send - does not reject */
  constructor(send: (status: WorkerStatus, isNews: boolean) => Promise<void>) {
    this.#send = send;
    this.#beating = this.#beat();
  }

  /** Changes the status and sends it without waiting for the next beat. */
  tell(change: Partial<WorkerStatus>): void {
    Object.assign(this.status, change);
    this.#hasNews = true;
    this.#wake();
  }

  /** Tells what the worker is at from now on before it can take part in its run. */
  tellOpening(activity: Opening['activity']): void {
    this.tell({ opening: { activity, sinceMs: performance.now() } });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#beating;
  }

  async #beat(): Promise<void> {
    while (!this.#stopped) {
      const isNews = this.#hasNews;
      this.#hasNews = false;
      await this.#send(this.status, isNews);
      if (this.#hasNews) continue;
      const pause = new AbortController();
      this.#wake = () => pause.abort();
      await sleep(beatMs, undefined, { signal: pause.signal }).catch(() => undefined);
    }
  }
}
