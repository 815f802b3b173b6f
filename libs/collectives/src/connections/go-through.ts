import { BerthError, isBerthError } from '@berth/contracts';
import { proveToListener, type DialledPeer } from '../handshake/dialler.ts';
import { decodeReply, replyBytes } from '../handshake/messages.ts';
import type { ByteSource } from './byte-source.ts';
import { protocolError } from './frame.ts';
import type { PeerAddress } from './peer-address.ts';

/** The relay gives up sooner. */
const throughMs = 7_000;

/**
 * Has a relay join this connection to one that a member has lent it: what is read and written from then on is the member's. On
 * failure the connection is closed.
 * @throws BerthError `COLLECTIVE_TIMEOUT` where another call may help; Error
 */
export async function goThrough(
  source: ByteSource,
  { memberId: relayId }: PeerAddress,
  { key, from, to }: Omit<DialledPeer, 'purpose'>,
): Promise<void> {
  const name = `the relay ${relayId}`;
  try {
    await proveToListener(source, { key, from, to, purpose: 'relay', name });
  } catch (error) {
    // It says nothing of the member's secret.
    if (isBerthError(error) && error.code === 'COLLECTIVE_UNAUTHENTICATED')
      throw new Error('it has another BERTH_SECRET than the workers', { cause: error });
    throw error;
  }
  const late = new BerthError('COLLECTIVE_TIMEOUT', `${name} has found no way to ${to}`, {
    details: { missing: to, phase: 'handshake' },
  });
  const timer = setTimeout(() => source.fail(late), throughMs);
  try {
    const bytes = Buffer.alloc(replyBytes);
    await source.readInto(bytes);
    const { status } = decodeReply(bytes);
    if (status === 'through') return;
    throw status === 'absent' ? late : protocolError(`${name} answered ${status}`);
  } catch (error) {
    source.socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
