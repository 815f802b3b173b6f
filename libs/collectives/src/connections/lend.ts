import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { KeyObject } from 'node:crypto';
import type { Logger } from '@berth/contracts';
import { proveToListener } from '../handshake/dialler.ts';
import { ByteSource } from './byte-source.ts';
import type { PeerAddress } from './peer-address.ts';

export interface LendOptions {
  readonly key: KeyObject;
  readonly from: string;
  readonly logger: Logger;
  /** Takes a connection on which the other side has begun to speak, as one that it has dialled. */
  readonly accept: (socket: Socket) => void;
  /** Ends the lending, and closes what is lent and not used. */
  readonly signal: AbortSignal;
}

const againMs = 200;

/** Sees to it that a listener always has one connection of ours to spare, until the signal. Does not reject. */
export async function lendTo(listener: PeerAddress, options: LendOptions): Promise<void> {
  const { signal, logger, accept } = options;
  while (!signal.aborted) {
    const socket = connect({
      host: listener.host,
      port: listener.port,
      noDelay: true,
      keepAlive: true,
    });
    const end = (): void => void socket.destroy();
    signal.addEventListener('abort', end, { once: true });
    try {
      await lendOne(socket, listener, options);
      accept(socket);
    } catch (error) {
      socket.destroy();
      logger.debug('Cannot lend a connection', { to: listener.memberId, error });
      await delay(againMs, undefined, { signal, ref: false }).catch(() => undefined);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }
}

/** Resolves when the other side has begun to speak; what it said is still to be read. */
async function lendOne(
  socket: Socket,
  { memberId: to }: PeerAddress,
  { key, from }: LendOptions,
): Promise<void> {
  const source = new ByteSource(socket);
  await source.connected();
  await proveToListener(source, { key, from, to, purpose: 'lend' });
  source.release();
  await new Promise<void>((resolve, reject) => {
    const closed = (): void => reject(new Error('the connection was closed'));
    const failed = (error: Error): void => reject(error);
    socket.once('close', closed).once('error', failed);
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      socket.off('close', closed);
      resolve();
      // Whoever accepts it listens for errors by then.
      setImmediate(() => socket.off('error', failed));
    });
    socket.resume();
  });
}
