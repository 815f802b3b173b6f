import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { BerthError, type Logger, type View, type AllReduceDtype } from '@berth/contracts';
import type { Endpoint } from './connections/byte-source.ts';
import {
  ControlChannel,
  type ControlHandlers,
  type ControlMessage,
  type JoinMessage,
} from './connections/control.ts';
import { type Caller, Gate } from './handshake/listener.ts';
import { deriveKey } from './handshake/messages.ts';
import { localPathOf } from './connections/local-path.ts';
import { ReduceMemory } from './reduce/reduce-memory.ts';
import { Session } from './session.ts';
import type { ViewSession } from './view-session.ts';
import { lendTo } from './connections/lend.ts';
import { LentSockets } from './connections/lent-sockets.ts';
import { lendsTo, type PeerAddress } from './connections/peer-address.ts';
import { fetchState, type StateRequest, type StateTransfer } from './state/fetch.ts';
import { StateServer, type StateOffer } from './state/server.ts';

export interface PeerNodeOptions {
  /** Unique per process start. */
  readonly memberId: string;
  /** Address to listen on, and under which peers find this one. */
  readonly host: string;
  /** @defaultValue any free port */
  readonly port?: number;
  /** What all members prove to each other that they have; it is never sent. */
  readonly secret: string;
  readonly logger: Logger;
  /** Whether members of this machine may read this one's memory instead of being sent what it holds. @defaultValue true */
  readonly sharesMemory?: boolean;
}

export interface JoinOptions {
  /** Elements of the vectors that this view will sum; the same for all members. */
  readonly vectorLength: number;
  /** @defaultValue fp32 */
  readonly dtype?: AllReduceDtype;
  /** Elements at the end of the vectors that are fp32 whatever the dtype. @defaultValue none */
  readonly numExact?: number;
  readonly connectTimeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called once, when the session ends because this member's connection broke. */
  readonly onPeerLost?: (memberId: string, error: BerthError) => void;
}

/** A worker's end of the data plane: one listening port for all views, one live session at a time. */
export interface PeerNode {
  /** @throws the socket's error, such as `EADDRINUSE` */
  listen(): Promise<Endpoint>;
  /**
   * Closes the session before and connects with all members of the view; resolves when all have joined.
   * @throws BerthError `COLLECTIVE_TIMEOUT` naming who did not join, `COLLECTIVE_PEER_LOST` at once if nobody listens
   * at a member's address, `COLLECTIVE_UNAUTHENTICATED` naming who has another secret, `WORKER_FENCED` if this node has joined a newer view of the run, `CONFIG_INVALID` if the
   * view leaves this member out or its blocks do not tile the virtual ranks
   */
  joinView(view: View, options: JoinOptions): Promise<ViewSession>;
  /** What members that ask for weights and moments may copy from now on, instead of what was on offer before. */
  offerState(offer: StateOffer | undefined): void;
  /**
   * Copies state from donors in parallel slices, each checked by its digest. A slice whose donor is lost, silent or damages it
   * is asked of another.
   * @throws BerthError when no donor is left: `COLLECTIVE_ABORTED` if none has such a state, `COLLECTIVE_PEER_LOST`,
   * `COLLECTIVE_UNAUTHENTICATED`, `COLLECTIVE_PROTOCOL` if what arrives does not fit or verify; `COLLECTIVE_TIMEOUT`, and
   * what the signal aborts with
   */
  fetchState(donors: readonly PeerAddress[], request: StateRequest): Promise<StateTransfer>;
  close(): Promise<void>;
}

export function createPeerNode(options: PeerNodeOptions): PeerNode {
  return new TcpPeerNode(options);
}

const helloTimeoutMs = 10_000;
/** How long a peer's call waits for this member to join the view too. */
const callTimeoutMs = 60_000;
const sendBufferBytes = 1 << 20;

interface Call {
  readonly hello: JoinMessage;
  readonly channel: ControlChannel;
}

class TcpPeerNode implements PeerNode {
  readonly #options: Omit<PeerNodeOptions, 'secret'>;
  readonly #key: KeyObject;
  readonly #gate: Gate;
  readonly #lent = new LentSockets();
  /** Ends the lending of the view before. */
  #lending = new AbortController();
  readonly #memory: ReduceMemory;
  readonly #server: Server;
  /** For members on this machine. */
  readonly #localServer: Server;
  readonly #sockets = new Set<Socket>();
  /** From members that are ahead: they have joined a view that this one has not. */
  #calls: Call[] = [];
  #session: Session | undefined;
  readonly #states: StateServer;

  constructor({ secret, ...options }: PeerNodeOptions) {
    this.#options = options;
    this.#memory = new ReduceMemory({ isShared: options.sharesMemory ?? true });
    this.#key = deriveKey(secret);
    this.#gate = new Gate({ ...options, key: this.#key });
    this.#states = new StateServer(options.logger);
    this.#server = createServer({ noDelay: true, keepAlive: true, highWaterMark: sendBufferBytes });
    this.#localServer = createServer({ highWaterMark: sendBufferBytes });
    this.#server.on('connection', (socket) => this.#accept(socket, false));
    this.#localServer.on('connection', (socket) => this.#accept(socket, true));
  }

  async listen(): Promise<Endpoint> {
    const { host, port = 0, memberId, logger } = this.#options;
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    const { port: bound } = this.#server.address() as AddressInfo;
    const localPath = localPathOf(memberId, bound);
    if (localPath !== undefined) {
      // Members on this machine then use the port, as all others do.
      this.#localServer.on('error', (error) => logger.warn('No local socket', { error }));
      this.#localServer.listen(localPath);
    }
    return { host, port: bound };
  }

  async joinView(view: View, options: JoinOptions): Promise<ViewSession> {
    this.#requireJoinable(view);
    this.#session?.close();
    const { memberId, logger } = this.#options;
    const session = new Session({
      view,
      memberId,
      key: this.#key,
      lent: this.#lent,
      memory: this.#memory,
      logger,
      shape: {
        length: options.vectorLength,
        dtype: options.dtype ?? 'fp32',
        numExact: options.numExact ?? 0,
      },
      onPeerLost: (lostId, error) => options.onPeerLost?.(lostId, error),
    });
    this.#session = session;
    for (const call of this.#calls.splice(0)) this.#route(call);
    this.#lend(view);
    await session.establish(options.connectTimeoutMs, options.signal);
    logger.debug('view joined', { runId: view.runId, version: view.version });
    return session;
  }

  offerState(offer: StateOffer | undefined): void {
    this.#states.offer(offer);
  }

  fetchState(donors: readonly PeerAddress[], request: StateRequest): Promise<StateTransfer> {
    const { memberId: from, logger } = this.#options;
    const { members = [], relay } = this.#session?.view ?? {};
    const self = members.find(({ memberId }) => memberId === from) ?? {};
    const ways = { self, lent: this.#lent, relay };
    return fetchState(donors, { logger, ...request, ...ways, from, key: this.#key });
  }

  async close(): Promise<void> {
    this.#session?.close();
    this.#lending.abort();
    const closed = [this.#server, this.#localServer].map(
      (server) => new Promise((resolve) => server.close(resolve)),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
    this.#memory.close();
  }

  /** Lends connections to all of a view that have no other way to this member, until it joins another. */
  #lend(view: View): void {
    const { memberId: from, logger } = this.#options;
    this.#lending.abort();
    this.#lending = new AbortController();
    const options = {
      key: this.#key,
      from,
      logger,
      accept: (socket: Socket) => {
        this.#accept(socket, false);
        socket.resume();
      },
      signal: this.#lending.signal,
    };
    for (const listener of lendsTo(view, from)) void lendTo(listener, options);
  }

  #requireJoinable(view: View): void {
    const { memberId } = this.#options;
    const current = this.#session?.view;
    if (!view.members.some((member) => member.memberId === memberId)) {
      throw new BerthError(
        'CONFIG_INVALID',
        `view ${view.version} of run ${view.runId} has no member ${memberId}; join only views that list this member`,
      );
    }
    if (current?.runId === view.runId && compareViews(view, current) < 0) {
      throw new BerthError(
        'WORKER_FENCED',
        `view ${view.version} (epoch ${view.fencingEpoch}) is older than view ${current.version} (epoch ${current.fencingEpoch}), which ${memberId} has joined`,
      );
    }
  }

  #accept(socket: Socket, isLocal: boolean): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', (error) => this.#options.logger.debug('connection failed', { error }));
    this.#gate.admit(socket, (caller) => {
      if (caller.purpose === 'lend') this.#lent.add(caller.from, socket);
      else this.#listen(socket, caller, isLocal);
    });
  }

  #listen(socket: Socket, caller: Caller, isLocal: boolean): void {
    const { logger } = this.#options;
    socket.setTimeout(helloTimeoutMs, () => socket.destroy());
    const handlers: ControlHandlers = {
      message: (message) => this.#answer(message, channel, caller),
      garbage: (error) => logger.warn('refused a message', { from: caller.from, error }),
    };
    const channel = new ControlChannel(socket, handlers, isLocal);
  }

  /** A caller may do only what it has proven to be here for, and in its own name. */
  #answer(message: ControlMessage, channel: ControlChannel, { purpose, from }: Caller): void {
    const { logger } = this.#options;
    if (message.kind === purpose && message.kind === 'state') this.#states.serve(channel, message);
    else if (message.kind === purpose && message.kind === 'join' && message.from === from)
      this.#route({ hello: message, channel });
    else {
      logger.warn('refused a message', { from, purpose, kind: message.kind });
      channel.socket.destroy();
    }
  }

  /** Gives a call to the session it is for, keeps it for a view still to come, or hangs up. */
  #route(call: Call): void {
    const { hello, channel } = call;
    const view = this.#session?.view;
    const age =
      view?.runId === hello.runId
        ? compareViews({ fencingEpoch: hello.fencingEpoch, version: hello.viewVersion }, view)
        : 1;
    if (hello.to === this.#options.memberId && age > 0) {
      this.#keep(call);
    } else if (
      hello.to === this.#options.memberId &&
      age === 0 &&
      this.#session?.attach(hello, channel)
    ) {
      channel.socket.setTimeout(0);
    } else {
      this.#options.logger.warn('refused a peer', { from: hello.from, view: hello.viewVersion });
      channel.socket.destroy();
    }
  }

  #keep(call: Call): void {
    const { socket } = call.channel;
    const hangUp = (): void => void socket.destroy();
    call.channel.handOver({
      message: ({ kind }) => kind === 'alive' || hangUp(),
      garbage: hangUp,
    });
    socket.setTimeout(callTimeoutMs);
    socket.once('close', () => {
      this.#calls = this.#calls.filter((kept) => kept !== call);
    });
    this.#calls.push(call);
  }
}

type ViewOrder = Pick<View, 'fencingEpoch' | 'version'>;

function compareViews(a: ViewOrder, b: ViewOrder): number {
  return a.fencingEpoch - b.fencingEpoch || a.version - b.version;
}
