import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type {
  Endpoint,
  JoinOptions,
  PeerNodeOptions,
  ReduceRequest,
  ReduceResult,
  StateLabel,
  PeerAddress,
  StateRequest,
  StateTransfer,
} from '@berth/collectives';
import {
  errorFromWire,
  type BerthError,
  type GradientVector,
  type Logger,
  type View,
  type WireError,
} from '@berth/contracts';
import { writeForwarded, type ForwardedRecord } from './forwarded-log.ts';
import { ThreadCaller, type CallUnderWay, type ThreadEvent } from './thread-rpc.ts';
import { keepWatch, Watchdog } from './watchdog.ts';

/** What the thread is started with. */
export type PeersThreadData = Omit<PeerNodeOptions, 'logger'>;
export type FetchLimits = Pick<StateRequest, 'timeoutMs' | 'sliceTimeoutMs'>;

/** A session of the peer node, seen from the main thread; see `ViewSession`. */
export interface PeerSession {
  /** In shared memory of the peers thread. */
  readonly vectors: readonly GradientVector[];
  allReduce(request: ReduceRequest): Promise<ReduceResult>;
  close(): void;
}

/** Lasts for one run: the memory that states of its shape are copied from and to. */
export interface SharedState {
  readonly parts: readonly Float32Array[];
  /** Resolves once the offer before is withdrawn: only then may `parts` be overwritten. */
  offer(label: StateLabel | undefined): Promise<void>;
  fetch(
    donors: readonly PeerAddress[],
    label: StateLabel,
    limits: FetchLimits & { readonly signal?: AbortSignal },
  ): Promise<StateTransfer>;
}

/** The thread that owns the data plane: sockets between workers, sums and digests. Nothing else on this worker delays it. */
export interface Peers {
  readonly address: Endpoint;
  /** @throws BerthError as `PeerNode.joinView` */
  joinView(view: View, options: JoinOptions): Promise<PeerSession>;
  /** @param options.isWarm - whether all of it becomes resident now, so that nobody waits for fresh pages later */
  layOutState(
    partLengths: readonly number[],
    options: { readonly isWarm: boolean },
  ): Promise<SharedState>;
  /** Ends whatever state is on offer. */
  withdrawState(): Promise<void>;
  /** Never resolves; rejects when the thread ends. */
  readonly death: Promise<never>;
  close(): Promise<void>;
}

const pingMs = 1_000;
/** Its longest stretch without an ear is a page of memory to touch, or a chunk to sum. */
const silentMs = 120_000;

type OnPeerLost = (memberId: string, error: BerthError) => void;

/** @throws BerthError what listening fails with */
export async function startPeers(data: PeersThreadData, logger: Logger): Promise<Peers> {
  const listeners = new Map<number, OnPeerLost>();
  const onEvent = ({ event, args }: ThreadEvent): void => {
    if (event === 'log') return writeForwarded(logger, args as unknown as ForwardedRecord);
    const [sessionId, memberId, error] = args as [number, string, WireError];
    listeners.get(sessionId)?.(memberId, errorFromWire(error));
  };
  const thread = new Worker(new URL('./peers-thread.js', import.meta.url), { workerData: data });
  const name = 'The peers thread';
  const caller = new ThreadCaller(thread, name, onEvent);
  watchPeers(caller, name);
  let lastId = 0;

  return {
    address: await caller.call<Endpoint>('listen', []),
    death: caller.death,

    async joinView(view, { signal, onPeerLost, ...options }) {
      const id = (lastId += 1);
      listeners.clear();
      if (onPeerLost !== undefined) listeners.set(id, onPeerLost);
      const vectors = await caller.callUntil<readonly GradientVector[]>(signal, 'join', [
        id,
        view,
        options,
      ]);
      return {
        vectors,
        allReduce: ({ signal: until, ...request }) =>
          caller.callUntil<ReduceResult>(until, 'reduce', [id, request]),
        close: () => void caller.call('leave', [id]).catch(() => undefined),
      };
    },

    async layOutState(partLengths, { isWarm }) {
      const parts = await caller.call<readonly Float32Array[]>('layOutState', [
        partLengths,
        isWarm,
      ]);
      return {
        parts,
        offer: (label) => caller.call<void>('offerState', [label]),
        fetch: (donors, label, { signal, ...limits }) =>
          caller.callUntil<StateTransfer>(signal, 'fetchState', [donors, label, limits]),
      };
    },

    withdrawState: () => caller.call<void>('offerState', [undefined]),

    async close() {
      await caller.call('close', []).catch(() => undefined);
      await thread.terminate();
    },
  };
}

/** Its calls run side by side, each with a deadline of its own that the thread keeps: what is watched is whether it runs. */
function watchPeers(caller: ThreadCaller, name: string): void {
  let ping: CallUnderWay | undefined;
  const keepPinging = async (): Promise<void> => {
    for (let id = 0; ; id++) {
      ping = { id, method: 'ping', args: [], sinceMs: performance.now() };
      await caller.call('ping', []);
      ping = undefined;
      await sleep(pingMs, undefined, { ref: false });
    }
  };
  keepPinging().catch(() => undefined); // The thread has ended.
  const watchdog = new Watchdog({
    name,
    underWay: () => ping,
    limitMs: () => silentMs,
    sizeOf: () => 1,
  });
  keepWatch(watchdog, (error) => caller.giveUp(error));
}
