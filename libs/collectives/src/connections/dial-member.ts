import { setTimeout as delay } from 'node:timers/promises';
import { isBerthError, type Logger } from '@berth/contracts';
import { ByteSource } from './byte-source.ts';
import { localPathOf } from './local-path.ts';
import { proveToListener, type DialledPeer } from '../handshake/dialler.ts';
import type { LentSockets } from './lent-sockets.ts';
import type { PeerAddress } from './peer-address.ts';

export interface DialOptions extends Omit<DialledPeer, 'to'> {
  /** Try the local socket first; it is found only if the member is on this machine. */
  readonly tryLocal: boolean;
  /** What members that cannot be dialled have lent. */
  readonly lent: LentSockets;
  readonly logger: Logger;
  /** Told of every attempt, to end it. */
  readonly onAttempt: (source: ByteSource) => void;
  /** True once nobody waits for the connection any more. */
  readonly isOver: () => boolean;
}

const redialMs = 200;
/** For one that cannot be dialled to lend a connection: it does as soon as it joins the view. */
const lendMs = 5_000;

/**
 * Connects with a member and proves the secret, again and again while that may help.
 * @throws BerthError `COLLECTIVE_UNAUTHENTICATED` or `COLLECTIVE_PROTOCOL`, or the connection's error: the member is gone
 */
export async function dialMember(member: PeerAddress, options: DialOptions): Promise<ByteSource> {
  const { tryLocal, key, from, purpose, logger, onAttempt, isOver } = options;
  const { memberId, port } = member;
  const proof = { key, from, to: memberId, purpose };
  if (member.isReachable === false) return useLent(member, options);
  const localPath = tryLocal ? localPathOf(memberId, port) : undefined;
  if (localPath !== undefined) {
    const source = new ByteSource(localPath);
    onAttempt(source);
    try {
      await source.connected();
      await proveToListener(source, proof);
      return source;
    } catch (error) {
      logger.debug('peer is not on this machine', { memberId, error });
    }
  }
  for (;;) {
    const source = new ByteSource(member);
    onAttempt(source);
    let isConnected = false;
    try {
      await source.connected();
      isConnected = true;
      await proveToListener(source, proof);
      return source;
    } catch (error) {
      // Members listen before they are published, so nobody listening means that the process is gone.
      const mayPass = isConnected ? isTimeout(error) : !isRefusal(error);
      if (!mayPass) throw error;
      logger.debug('peer not reached yet', { memberId, error });
      await delay(redialMs);
      if (isOver()) throw error;
    }
  }
}

/** The same with a connection that the member has dialled. One that has ended since makes room for the next. */
async function useLent(
  { memberId }: PeerAddress,
  { lent, key, from, purpose, logger, onAttempt, isOver }: DialOptions,
): Promise<ByteSource> {
  for (;;) {
    const source = new ByteSource(await lent.take(memberId, lendMs));
    onAttempt(source);
    try {
      await proveToListener(source, { key, from, to: memberId, purpose });
      return source;
    } catch (error) {
      const isFinal = isBerthError(error) && error.code !== 'COLLECTIVE_TIMEOUT';
      if (isFinal || isOver()) throw error;
      logger.debug('a lent connection does not serve', { memberId, error });
    }
  }
}

function isTimeout(error: unknown): boolean {
  return isBerthError(error) && error.code === 'COLLECTIVE_TIMEOUT';
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}
