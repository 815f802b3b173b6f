import type { KeyObject } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Logger } from '@berth/contracts';
import { protocolError } from '../connections/frame.ts';
import {
  decodeHello,
  encodeReply,
  handshakeTimeoutMs,
  type Hello,
  isProof,
  newNonce,
  proofBytes,
  prove,
  type Status,
} from './messages.ts';

export interface GateOptions {
  readonly key: KeyObject;
  readonly memberId: string;
  /** Whether a call is for who listens here. @defaultValue when it is to `memberId` */
  readonly serves?: (call: Caller) => boolean;
  readonly logger: Logger;
}

/** Who has proven to have the secret. */
export type Caller = Pick<Hello, 'purpose' | 'from' | 'to'>;

/** Connections that may be unproven at a time. */
const maxVisitors = 64;
const logEveryMs = 10_000;

/**
 * The listening side of the handshake, in front of everything else that reads from a dialled connection. Strangers cost little:
 * at most 64 at a time, each for two seconds and a few hundred bytes. When it is crowded the longest unproven one goes, since a member
 * needs milliseconds only.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #visitors = new Set<Visitor>();
  #lastLogMs = -Infinity;
  #numUnlogged = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Calls `onProven` once the other side has proven the secret and may read and write; else closes the connection. */
  admit(socket: Socket, onProven: (caller: Caller) => void): void {
    const [oldest] = this.#visitors;
    if (this.#visitors.size >= maxVisitors) oldest?.refuse('busy', 'made room for a newer one');
    const { remoteAddress, remotePort } = socket;
    const remote = remoteAddress === undefined ? 'local' : `${remoteAddress}:${remotePort}`;
    const visitor = new Visitor(socket, {
      ...this.#options,
      onProven,
      onRefused: (reason) => this.#report(remote, reason),
      onEnd: () => this.#visitors.delete(visitor),
    });
    this.#visitors.add(visitor);
  }

  #report(remote: string, reason: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastLogMs < logEveryMs) {
      this.#numUnlogged += 1;
      return;
    }
    const numMore = this.#numUnlogged;
    this.#options.logger.warn('refused a connection', { remote, reason, numMore });
    this.#lastLogMs = nowMs;
    this.#numUnlogged = 0;
  }
}

interface VisitorOptions extends GateOptions {
  readonly onProven: (caller: Caller) => void;
  readonly onRefused: (reason: string) => void;
  /** Proven, refused or gone. */
  readonly onEnd: () => void;
}

/** A connection whose other side has proven nothing yet. */
class Visitor {
  readonly #socket: Socket;
  readonly #options: VisitorOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #nonce = newNonce();
  /** What has arrived and is not understood yet. */
  #unread = Buffer.alloc(0);
  #hello: Hello | undefined;
  #helloBytes = Buffer.alloc(0);

  constructor(socket: Socket, options: VisitorOptions) {
    this.#socket = socket;
    this.#options = options;
    const reason = `proved nothing within ${handshakeTimeoutMs} ms`;
    this.#timer = setTimeout(() => this.refuse('busy', reason), handshakeTimeoutMs);
    socket.on('data', this.#received);
    socket.on('close', this.#end);
  }

  refuse(status: Status, reason: string): void {
    this.#end();
    this.#options.onRefused(reason);
    this.#socket.write(encodeReply(status));
    this.#socket.destroySoon();
  }

  readonly #received = (bytes: Buffer): void => {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    try {
      if (this.#hello === undefined) this.#readHello();
      else this.#readProof(this.#hello);
    } catch (error) {
      this.#end();
      this.#options.onRefused(error instanceof Error ? error.message : String(error));
      this.#socket.destroy();
    }
  };

  readonly #end = (): void => {
    clearTimeout(this.#timer);
    this.#socket.off('data', this.#received);
    this.#socket.off('close', this.#end);
    this.#options.onEnd();
  };

  #readHello(): void {
    this.#hello = decodeHello(this.#unread);
    if (this.#hello === undefined) return;
    this.#helloBytes = this.#unread;
    this.#unread = Buffer.alloc(0);
    this.#socket.write(encodeReply('challenge', this.#nonce));
  }

  #readProof({ purpose, from, to }: Hello): void {
    const { key, memberId, onProven, serves = (call) => call.to === memberId } = this.#options;
    const caller = { purpose, from, to };
    if (this.#unread.length < proofBytes) return;
    if (this.#unread.length > proofBytes) throw protocolError('more than a proof came');
    if (!isProof(prove(key, 'dialler', this.#helloBytes, this.#nonce), this.#unread))
      return this.refuse(
        'differs',
        `has another secret than this member, calls itself ${JSON.stringify(from)}`,
      );
    if (!serves(caller))
      return this.refuse('elsewhere', `${from} called ${to}, which does not listen here`);
    this.#end();
    this.#socket.write(
      encodeReply('welcome', prove(key, 'listener', this.#helloBytes, this.#nonce)),
    );
    onProven(caller);
  }
}
