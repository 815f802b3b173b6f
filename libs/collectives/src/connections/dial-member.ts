import { setTimeout as delay } from 'node:timers/promises';
import { isBerthError, type Logger } from '@berth/contracts';
import { ByteSource } from './byte-source.ts';
import { localPathOf } from './local-path.ts';
import { proveToListener, type DialledPeer } from '../handshake/dialler.ts';
import type { LentSockets } from './lent-sockets.ts';
import { goThrough } from './go-through.ts';
import { type PeerAddress, type Reach, wayTo } from './peer-address.ts';

export interface DialOptions extends Omit<DialledPeer, 'to' | 'name'> {
  /** Of this side. */
  readonly self: Reach;
  /** Of the view. */
  readonly relay: PeerAddress | undefined;
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
  switch (wayTo(options.self, member)) {
    case 'lent':
      return useLent(member, options);
    case 'relayed':
      return useRelay(member, options);
    case 'dial':
      return (
        (await dialLocal(member, options)) ??
        dialAgain(member, options, (source) => proveTo(member, source, options))
      );
  }
}

function proveTo(
  { memberId: to }: PeerAddress,
  source: ByteSource,
  { key, from, purpose }: DialOptions,
): Promise<void> {
  return proveToListener(source, { key, from, to, purpose });
}

/** By the local socket, which is found only if the member is on this machine. @returns undefined where that leads nowhere */
async function dialLocal(
  member: PeerAddress,
  options: DialOptions,
): Promise<ByteSource | undefined> {
  const { memberId, port } = member;
  const { onAttempt, logger } = options;
  const localPath = localPathOf(memberId, port);
  if (localPath === undefined) return undefined;
  const source = new ByteSource(localPath);
  onAttempt(source);
  try {
    await source.connected();
    await proveTo(member, source, options);
    return source;
  } catch (error) {
    logger.debug('peer is not on this machine', { memberId, error });
    return undefined;
  }
}

/** Dials until `prove` is content with the other side. */
async function dialAgain(
  listener: PeerAddress,
  { onAttempt, isOver, logger }: DialOptions,
  prove: (source: ByteSource) => Promise<void>,
): Promise<ByteSource> {
  for (;;) {
    const source = new ByteSource(listener);
    onAttempt(source);
    let isConnected = false;
    try {
      await source.connected();
      isConnected = true;
      await prove(source);
      return source;
    } catch (error) {
      // Members listen before they are published, so nobody listening means that the process is gone.
      const mayPass = isConnected ? isTimeout(error) : !isRefusal(error);
      if (!mayPass) throw error;
      logger.debug('peer not reached yet', { memberId: listener.memberId, error });
      await delay(redialMs);
      if (isOver()) throw error;
    }
  }
}

/** By way of the relay, to which the member has lent a connection: from the member's welcome on all is as if it had been dialled. */
async function useRelay(member: PeerAddress, options: DialOptions): Promise<ByteSource> {
  const { relay, key, from } = options;
  if (relay === undefined)
    throw new Error(`neither it nor ${from} can be dialled, and their view has no relay`);
  try {
    return await dialAgain(relay, options, async (source) => {
      await goThrough(source, relay, { key, from, to: member.memberId });
      await proveTo(member, source, options);
    });
  } catch (error) {
    if (isBerthError(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`by way of the relay ${relay.memberId}: ${reason}`, { cause: error });
  }
}

/** The same with a connection that the member has dialled. One that has ended since makes room for the next. */
async function useLent(member: PeerAddress, options: DialOptions): Promise<ByteSource> {
  const { memberId } = member;
  const { lent, logger, onAttempt, isOver } = options;
  for (;;) {
    const source = new ByteSource(await lent.take(memberId, lendMs));
    onAttempt(source);
    try {
      await proveTo(member, source, options);
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
