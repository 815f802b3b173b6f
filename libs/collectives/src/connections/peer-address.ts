import type { Endpoint } from './byte-source.ts';

/** Where a member is reached. */
export interface PeerAddress extends Endpoint {
  readonly memberId: string;
  /** False for one that others cannot dial, as behind a NAT. @defaultValue true */
  readonly isReachable?: false | undefined;
}

/**
 * How `from` gets a connection on which it is the dialler: it dials, or takes one that `to` has dialled and lent;
 * two that cannot be dialled have no way. Pure: both sides find the same.
 */
export function wayTo(
  from: Pick<PeerAddress, 'isReachable'>,
  to: Pick<PeerAddress, 'isReachable'>,
): 'dial' | 'lent' | 'none' {
  if (to.isReachable !== false) return 'dial';
  return from.isReachable === false ? 'none' : 'lent';
}
