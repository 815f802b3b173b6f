import { BerthError, isBerthError } from '@berth/contracts';

/** What went wrong on a peer's connection, as an error that names the peer; the session's own error stays as it is. */
export function peerLost(memberId: string, cause: unknown): BerthError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (!isBerthError(cause)) {
    const message = `lost member ${memberId}: ${reason}`;
    return new BerthError('COLLECTIVE_PEER_LOST', message, { cause, details: { memberId } });
  }
  if (cause.code !== 'COLLECTIVE_PROTOCOL') return cause;
  const message = `member ${memberId} broke the protocol: ${reason}`;
  return new BerthError('COLLECTIVE_PROTOCOL', message, { cause, details: { memberId } });
}
