import { setTimeout as delay } from 'node:timers/promises';
import { isBerthError, type Logger } from '@berth/contracts';
import { ByteSource } from './byte-source.ts';
import { localPathOf } from './local-path.ts';
import { proveToListener, type DialledPeer } from '../handshake/dialler.ts';
import type { PeerAddress } from './peer-address.ts';

export interface DialOptions extends Omit<DialledPeer, 'to'> {
  /** Try the local socket first; it is found only if the member is on this machine. */
  readonly tryLocal: boolean;
  readonly logger: Logger;
  /** Told of every attempt, to end it. */
  readonly onAttempt: (source: ByteSource) => void;
  /** True once nobody waits for the connection any more. */
  readonly isOver: () => boolean;
}

const redialMs = 200;

/**
 * Connects with a member and proves the secret, again and again while that may help.
 * @throws BerthError `COLLECTIVE_UNAUTHENTICATED` or `COLLECTIVE_PROTOCOL`, or the connection's error: the member is gone
 */
export async function dialMember(
  member: PeerAddress,
  { tryLocal, key, from, purpose, logger, onAttempt, isOver }: DialOptions,
): Promise<ByteSource> {
  const { memberId, port } = member;
  const proof = { key, from, to: memberId, purpose };
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

function isTimeout(error: unknown): boolean {
  return isBerthError(error) && error.code === 'COLLECTIVE_TIMEOUT';
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}
