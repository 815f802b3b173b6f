import { once } from 'node:events';
import {
  connect,
  createServer,
  type AddressInfo,
  type ListenOptions,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What goes wrong with the bytes that the target sends, on each connection that is made through the proxy. */
export interface TcpFaults {
  /** So many bytes pass untouched before the first that counts: a handshake. @defaultValue none */
  readonly spareBytes?: number;
  /** Pieces pass untouched before the first that this is true of. @defaultValue the first that there is */
  readonly counts?: (piece: Buffer) => boolean;
  /** Sent before the target's first byte that counts. */
  readonly inject?: Uint8Array;
  /** After this many bytes the connection breaks. */
  readonly cutAfterBytes?: number;
  /** After this many bytes nothing arrives any more. */
  readonly stallAfterBytes?: number;
  /** This byte arrives changed. */
  readonly corruptByte?: number;
  /** Pause before each piece is passed on. */
  readonly delayMs?: number;
}

/** What can be done to the connections that exist: break them; let them stand open and carry nothing more. */
export type TcpDisturbance = 'cut' | 'freeze';

/** Changes a piece of what the target sends. @returns whether it has, and is to be called no more */
export type Damage = (piece: Buffer) => boolean;

export interface TcpProxy extends LocalProxy {
  readonly endpoint: Endpoint;
}

/** The same between Unix sockets. */
export interface LocalProxy {
  disturb(how: TcpDisturbance): void;
  /** Shows what the target sends from now on, on all connections, to a damage, piece by piece, until it is done. */
  damage(damage: Damage): void;
  /** Pause before each piece is passed on, on all connections, until it is set again. */
  setDelay(delayMs: number): void;
  close(): void;
}

/** A TCP proxy on loopback in front of a target, which need not listen yet. */
export async function startTcpProxy(target: Endpoint, faults: TcpFaults = {}): Promise<TcpProxy> {
  const { server, ...proxy } = await startProxy({ host: '127.0.0.1', port: 0 }, target, faults);
  return {
    ...proxy,
    endpoint: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
  };
}

/** A proxy at the path of a Unix socket, in front of one at another. */
export async function startLocalProxy(
  { at, target }: { readonly at: string; readonly target: string },
  faults: TcpFaults = {},
): Promise<LocalProxy> {
  const { server: _server, ...proxy } = await startProxy({ path: at }, { path: target }, faults);
  return proxy;
}

async function startProxy(
  at: ListenOptions,
  target: NetConnectOpts,
  faults: TcpFaults,
): Promise<LocalProxy & { readonly server: Server }> {
  const connections = new Set<Connection>();
  let delayMs = faults.delayMs ?? 0;
  let damage: Damage | undefined;
  const damaged = (piece: Buffer): void => {
    if (damage?.(piece) === true) damage = undefined;
  };
  const server = createServer((dialler) => {
    const connection = new Connection(dialler, connect(target), faults, () => delayMs, damaged);
    connections.add(connection);
    dialler.on('close', () => connections.delete(connection));
  });
  server.listen(at);
  await once(server, 'listening');
  return {
    server,
    disturb(how) {
      for (const connection of connections) connection.disturb(how);
    },
    damage(next) {
      damage = next;
    },
    setDelay(ms) {
      delayMs = ms;
    },
    close() {
      server.close();
      for (const connection of connections) connection.disturb('cut');
    },
  };
}

const forever = new Promise<never>(() => {});

class Connection {
  readonly #sockets: readonly Socket[];
  readonly #faults: TcpFaults;
  readonly #delayMs: () => number;
  readonly #damage: (piece: Buffer) => void;
  #isFrozen = false;

  constructor(
    dialler: Socket,
    target: Socket,
    faults: TcpFaults,
    delayMs: () => number,
    damage: (piece: Buffer) => void,
  ) {
    this.#sockets = [dialler, target];
    this.#faults = faults;
    this.#delayMs = delayMs;
    this.#damage = damage;
    const end = (): void => this.disturb('cut');
    for (const socket of this.#sockets) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      // A frozen connection hides from one side that the other has gone.
      socket.on('close', () => this.#isFrozen || end());
    }
    this.#pass(dialler, target).catch(end);
    this.#passFaulty(target, dialler).catch(end);
  }

  disturb(how: TcpDisturbance): void {
    if (how === 'freeze') this.#isFrozen = true;
    else for (const socket of this.#sockets) socket.destroy();
  }

  async #pass(from: Socket, to: Socket): Promise<void> {
    for await (const piece of from as AsyncIterable<Buffer>) await this.#write(to, piece);
    if (!this.#isFrozen) to.end();
  }

  async #passFaulty(from: Socket, to: Socket): Promise<void> {
    const { spareBytes = 0, inject, cutAfterBytes = Infinity } = this.#faults;
    const { stallAfterBytes = Infinity, counts } = this.#faults;
    let numBytes = counts === undefined ? -spareBytes : -Infinity;
    let isInjected = inject === undefined;
    const injectWhenDue = (): void => {
      if (isInjected || numBytes < 0) return;
      isInjected = true;
      to.write(inject ?? '');
    };
    injectWhenDue();
    if (numBytes >= cutAfterBytes) return void to.destroy();
    for await (const piece of from as AsyncIterable<Buffer>) {
      if (numBytes === -Infinity && counts?.(piece) === true) numBytes = -spareBytes;
      injectWhenDue();
      if (this.#delayMs() > 0) await delay(this.#delayMs());
      const limit = Math.min(cutAfterBytes, stallAfterBytes) - numBytes;
      const passed = Buffer.from(piece.subarray(0, Math.max(0, limit)));
      this.#corrupt(passed, numBytes);
      this.#damage(passed);
      numBytes += piece.length;
      await this.#write(to, passed);
      injectWhenDue();
      if (numBytes >= cutAfterBytes) return void to.destroy();
      if (numBytes >= stallAfterBytes) await forever;
    }
    if (!this.#isFrozen) to.end();
  }

  #corrupt(bytes: Buffer, offset: number): void {
    const at = (this.#faults.corruptByte ?? Infinity) - offset;
    if (at >= 0 && at < bytes.length) bytes[at]! ^= 0x40;
  }

  async #write(to: Socket, bytes: Buffer): Promise<void> {
    if (this.#isFrozen) await forever;
    await new Promise((resolve) => to.write(bytes, resolve));
  }
}
