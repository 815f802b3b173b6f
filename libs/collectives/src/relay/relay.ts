import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Logger, RelayTraffic } from '@berth/contracts';
import type { Endpoint } from '../connections/byte-source.ts';
import { LentSockets } from '../connections/lent-sockets.ts';
import { type Caller, Gate } from '../handshake/listener.ts';
import { deriveKey, encodeReply } from '../handshake/messages.ts';
import { joinSockets } from './join-sockets.ts';

export interface RelayOptions {
  /** By which views name it. */
  readonly relayId: string;
  /** Address to listen on. */
  readonly host: string;
  /** @defaultValue any free port */
  readonly port?: number;
  /** What all members prove that they have. */
  readonly secret: string;
  readonly logger: Logger;
}

/**
 * Joins connections of members of which neither can dial the other: those that are lent to it with those that ask for a member. It
 * knows nothing of runs and views, and looks at no byte that passes: the members prove themselves to each other besides.
 */
export interface Relay {
  /** @throws the socket's error, such as `EADDRINUSE` */
  listen(): Promise<Endpoint>;
  /** What has passed since it began. */
  readonly traffic: RelayTraffic;
  /** Ends all connections. */
  close(): Promise<void>;
}

export function createRelay(options: RelayOptions): Relay {
  return new TcpRelay(options);
}

/** For a member to lend a connection: it does as soon as it joins the view. */
const lendMs = 5_000;
const bufferBytes = 1 << 20;

class TcpRelay implements Relay {
  readonly #options: Omit<RelayOptions, 'secret'>;
  readonly #gate: Gate;
  readonly #lent = new LentSockets();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #numBytes = 0;
  #numJoined = 0;

  constructor({ secret, ...options }: RelayOptions) {
    const { relayId, logger } = options;
    this.#options = options;
    this.#gate = new Gate({
      key: deriveKey(secret),
      memberId: relayId,
      serves: ({ purpose, to }) => purpose === 'relay' || (purpose === 'lend' && to === relayId),
      logger,
    });
    this.#server = createServer({ noDelay: true, keepAlive: true, highWaterMark: bufferBytes });
    this.#server.on('connection', (socket) => this.#accept(socket));
  }

  get traffic(): RelayTraffic {
    return { numBytes: this.#numBytes, numJoined: this.#numJoined };
  }

  async listen(): Promise<Endpoint> {
    const { host, port = 0 } = this.#options;
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    return { host, port: (this.#server.address() as AddressInfo).port };
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const { logger } = this.#options;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', (error) => logger.debug('connection failed', { error }));
    this.#gate.admit(socket, (caller) => {
      if (caller.purpose === 'lend') this.#lent.add(caller.from, socket);
      else void this.#join(socket, caller);
    });
  }

  async #join(socket: Socket, { from, to }: Caller): Promise<void> {
    // What it says next is for the member.
    socket.pause();
    const lent = await this.#lent.take(to, lendMs).catch((error: unknown) => {
      this.#options.logger.debug('Nobody to join', { from, to, error });
    });
    if (lent === undefined) {
      socket.write(encodeReply('absent'));
      return socket.destroySoon();
    }
    socket.write(encodeReply('through'));
    this.#numJoined += 1;
    await joinSockets([socket, lent], (numBytes) => {
      this.#numBytes += numBytes;
    });
    this.#numJoined -= 1;
  }
}
